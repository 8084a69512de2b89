"""`python -m gateway.identity.operator`: the operator's way to create a user, for instance the first administrator."""

import argparse
import logging
import os
import sys

from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gateway.identity.accounts import normal
from gateway.identity.built_in import ROLES
from gateway.identity.passwords import hashed
from gateway.models import Credential, User
from shared import contracts
from shared.kernel import settings
from shared.kernel.context import Context
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.storage import auditing, transaction
from shared.storage.database import new_engine
from shared.storage.outbox import publish

SHORTEST_PASSWORD = 12
CREATE = "gateway.create_user"

log = logging.getLogger(__name__)


def create(engine: Engine, email: str, name: str, roles: list[str], password: str, language: str = "en") -> bool:
    """Create a user; False when there is one with this address already, which is then left as it is."""
    contracts.events()
    user = User(id=new_id(), email=normal(email), name=name, roles=roles, language=language, active=True)
    user.company_id = DEFAULT_COMPANY_ID
    credential = Credential(user_id=user.id, password_hash=hashed(password))

    def work(session: Session) -> bool:
        if session.scalar(select(User.id).where(User.email == user.email)):
            return False
        add(session, user)
        session.add(credential)
        return True

    return transaction.run(engine, acting("operator"), work, action=CREATE)


def acting(actor: str) -> Context:
    """The circumstances of a user that no operation makes; its own request is what it is traced to."""
    request = f"{actor}:{new_id()}"
    return Context(actor=actor, request_id=request, correlation_id=request, causation_id=request)


def add(session: Session, user: User) -> None:
    """Write the user down, audited and published as if an operation had made it."""
    auditing.begin(session)
    session.add(user)
    session.flush()
    publish(session, user.created())


def ensure_administrator(database_url: str) -> None:
    """Create the administrator named by LIAISON_ADMIN_EMAIL and LIAISON_ADMIN_PASSWORD, unless there is one.

    A database that is away does not keep the gateway from starting; the next start, or the command, makes up for it.
    """
    email, password = os.environ.get("LIAISON_ADMIN_EMAIL"), os.environ.get("LIAISON_ADMIN_PASSWORD", "")
    if not email:
        return
    if len(password) < SHORTEST_PASSWORD:
        raise SystemExit(f"LIAISON_ADMIN_PASSWORD needs at least {SHORTEST_PASSWORD} characters.")
    engine = new_engine(database_url, pool_size=1)
    try:
        if create(engine, email, "Administrator", ["admin"], password):
            log.info("administrator created")
    except DBAPIError as error:
        log.error("administrator not checked: no database", extra={"error_code": type(error).__name__})
    finally:
        engine.dispose()


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    email = chosen.email or os.environ.get("LIAISON_ADMIN_EMAIL", "")
    password = sys.stdin.readline().rstrip("\n") if chosen.password_stdin else os.environ.get(chosen.password_env, "")
    if "@" not in email:
        print("Give an e-mail address with --email or LIAISON_ADMIN_EMAIL.", file=sys.stderr)
        return 2
    if len(password) < SHORTEST_PASSWORD:
        print(f"The password needs at least {SHORTEST_PASSWORD} characters.", file=sys.stderr)
        return 2
    engine = new_engine(settings.database_url("gateway"), pool_size=1)
    created = create(engine, email, chosen.name or email.split("@")[0], chosen.role, password, chosen.language)
    engine.dispose()
    print(f"{normal(email)} {'created' if created else 'exists already'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway.identity.operator", description=__doc__)
    create_command = parser.add_subparsers(required=True).add_parser("create", help="create a user, or find it there")
    create_command.add_argument("--email", help="default: LIAISON_ADMIN_EMAIL")
    create_command.add_argument("--name")
    create_command.add_argument("--role", action="append", required=True, choices=sorted(ROLES))
    create_command.add_argument("--language", choices=["en", "fr"], default="en")
    source = create_command.add_mutually_exclusive_group()
    source.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    source.add_argument("--password-env", default="LIAISON_ADMIN_PASSWORD", help="variable that holds the password")
    return parser


if __name__ == "__main__":
    sys.exit(main())
