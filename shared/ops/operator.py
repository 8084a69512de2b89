"""The operator's command: `python -m shared.ops.operator --help`.

Addresses come from the environment (LIAISON_<SERVICE>_DATABASE_URL, LIAISON_<SERVICE>_AMQP_URI …) or, on a machine
where `make run` is running, from .local/liaison.json.
"""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared import contracts
from shared.api.caller import Caller
from shared.kernel import clock
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.settings import clock_file, required
from shared.kernel.signing import Signer
from shared.ops import parked_messages
from shared.storage.database import new_engine

STATE = Path(".local/liaison.json")


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run one command; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    return int(chosen.run(chosen) or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="liaison", description="Operate Liaison.")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add(commands, "topology", _topology, "declare exchanges, queues and users on the broker")
    _add(commands, "bindings", _bindings, "print which handler takes which events, as JSON")
    migrate = _add(commands, "migrate", _migrate, "bring databases to the newest schema")
    migrate.add_argument("services", nargs="+", choices=contracts.SERVICES)
    stuck = _add(commands, "parked", _parked, "list, show, replay or discard messages that no attempt could handle")
    stuck.add_argument("verb", choices=["list", "show", "replay", "discard"])
    stuck.add_argument("--service", choices=contracts.SERVICES)
    stuck.add_argument("--consumer")
    stuck.add_argument("--event")
    stuck.add_argument("--reason", default="")
    backfill = _add(
        commands, "backfill", _backfill, "publish again what a service has published; inboxes drop duplicates"
    )
    backfill.add_argument("service", choices=contracts.SERVICES)
    backfill.add_argument("--since", required=True, help="RFC 3339 instant")
    backfill.add_argument("--type", default="%", help="SQL pattern of routing keys, e.g. crm_sales.order.%%")
    token = _add(commands, "token", _token, "print a statement with which a program may call one service over AMQP")
    token.add_argument("--actor", required=True, help="who is named in the audit log")
    token.add_argument("--service", required=True)
    token.add_argument("--permission", action="append", required=True, help="e.g. sales.orders:read; may be repeated")
    token.add_argument("--company", action="append", type=UUID, help="only these companies; without it, all")
    token.add_argument("--minutes", type=int, choices=range(1, 61), default=10, metavar="1-60")
    moved = _add(
        commands, "clock", _clock, "show the clock of all processes, or move it forward (development and tests)"
    )
    moved.add_argument("--days", type=float, default=0)
    moved.add_argument("--hours", type=float, default=0)
    moved.add_argument("--to", type=datetime.fromisoformat, help="RFC 3339 instant, or a day: 00:00 UTC")
    return parser


def _add(commands: Any, name: str, run: Any, help_: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=help_)
    command.set_defaults(run=run)
    return command


def _migrate(chosen: argparse.Namespace) -> None:
    from shared.storage.adopting import OtherVersion
    from shared.storage.migrator import migrate, refuse_other_versions

    urls = {service: required(f"LIAISON_{service.upper()}_OWNER_DATABASE_URL") for service in chosen.services}
    try:
        for service, url in urls.items():
            refuse_other_versions(service, url)
    except OtherVersion as other:
        raise SystemExit(str(other)) from None
    for service, url in urls.items():
        migrate(service, url)


def _bindings(_: argparse.Namespace) -> None:
    from shared.api.handlers import collect, service_class

    found = {
        service: {h.name: [e.full_type for e in h.events] for h in collect(service_class(service)) if h.events}
        for service in contracts.SERVICES
    }
    print(json.dumps(found, indent=1))


def _topology(_: argparse.Namespace) -> None:
    from shared.api.handlers import service_class
    from shared.messaging.topology import apply_users, declare

    uri = os.environ["LIAISON_AMQP_ADMIN_URI"]
    queues = declare(uri, [service_class(name) for name in contracts.SERVICES])
    print(f"{len(queues)} event queues declared")
    management, passwords = (
        os.environ.get("LIAISON_RABBITMQ_MANAGEMENT_URL"),
        os.environ.get("LIAISON_BROKER_PASSWORDS"),
    )
    if management and passwords:
        vhost = uri.rsplit("/", 1)[-1] or "/"
        apply_users(management, vhost, json.loads(Path(passwords).read_text()))
        print("users and rights applied")


def _parked(chosen: argparse.Namespace) -> int:
    operator = f"operator:{getpass.getuser()}"
    found = 0
    for service, engine in _engines(chosen.service):
        rows = parked_messages.find(engine, chosen.consumer, chosen.event)
        found += len(rows)
        for row in rows:
            print(json.dumps({"service": service, **row}, default=str))
            if chosen.verb == "show":
                print(parked_messages.body(engine, row).decode(errors="replace"))
            elif chosen.verb == "replay":
                parked_messages.replay(engine, row, operator, chosen.reason)
            elif chosen.verb == "discard":
                if not chosen.reason:
                    raise SystemExit("discarding needs a --reason")
                parked_messages.discard(engine, row, operator, chosen.reason)
    print(f"{found} parked")
    return 0


def _backfill(chosen: argparse.Namespace) -> None:
    """Mark sent rows as waiting again: the service's own relay publishes them, in order, under its own rights."""
    for _, engine in _engines(chosen.service):
        with engine.begin() as connection:
            again = connection.execute(
                text(
                    "UPDATE outbox SET state = 'new' WHERE state <> 'new' AND created_at >= CAST(:since AS timestamptz)"
                    " AND routing_key LIKE :type"
                ),
                {"since": chosen.since, "type": chosen.type},
            ).rowcount
            connection.execute(text("NOTIFY outbox"))
        print(f"{again} events will be published again")


def _token(chosen: argparse.Namespace) -> None:
    """The private key is needed: LIAISON_SIGNING_KEY_FILE. The caller sends it as context data under `caller`."""
    companies = tuple(chosen.company) if chosen.company else None
    working_in = companies[0] if companies else DEFAULT_COMPANY_ID
    caller = Caller(chosen.actor, tuple(chosen.permission), working_in, companies)
    print(caller.signed(Signer(required("LIAISON_SIGNING_KEY_FILE")), chosen.service, chosen.minutes * 60))


def _clock(chosen: argparse.Namespace) -> None:
    """Every process that reads the same LIAISON_CLOCK_FILE shows the new time from now on; there is no way back."""
    if (file := clock_file(os.environ)) == "":
        raise SystemExit("LIAISON_CLOCK_FILE is not set: the clock is that of the machine.")
    by = timedelta(days=chosen.days, hours=chosen.hours)
    if chosen.to:
        by += (chosen.to if chosen.to.tzinfo else chosen.to.replace(tzinfo=UTC)) - clock.now()
    try:
        clock.Moved(Path(file)).forward(by)
    except ValueError as error:
        raise SystemExit(f"{error}: it shows {clock.now().isoformat(timespec='seconds')}") from None
    print(f"{clock.now().isoformat(timespec='seconds')}, {clock.ahead()} ahead of the machine")


def _engines(only: str | None) -> Iterator[tuple[str, Any]]:
    known = json.loads(STATE.read_text())["database_urls"] if STATE.exists() else {}
    for service in [only] if only else contracts.SERVICES:
        url = os.environ.get(f"LIAISON_{service.upper()}_DATABASE_URL") or known.get(service)
        if not url:
            raise SystemExit(f"LIAISON_{service.upper()}_DATABASE_URL is not set and {STATE} does not name it.")
        engine = new_engine(url, pool_size=2)
        yield service, engine
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
