"""The one transaction around every handler: open, act, write outbox and audit, commit; retry what only collided."""

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from psycopg2 import errorcodes
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from shared.kernel import clock, faults, metrics
from shared.kernel.context import Context
from shared.kernel.settings import LIMITS
from shared.storage import auditing, outbox, prepared
from shared.storage.database import new_session

T = TypeVar("T")

_COLLISIONS = {
    errorcodes.SERIALIZATION_FAILURE,
    errorcodes.DEADLOCK_DETECTED,
    errorcodes.LOCK_NOT_AVAILABLE,
    errorcodes.ADMIN_SHUTDOWN,
    errorcodes.CRASH_SHUTDOWN,
    errorcodes.CANNOT_CONNECT_NOW,
    errorcodes.TOO_MANY_CONNECTIONS,
    errorcodes.FEATURE_NOT_SUPPORTED,  # a prepared statement met a migration, see prepared.py
    errorcodes.INVALID_SQL_STATEMENT_NAME,
}


class AlreadyHandled(Exception):
    """The inbox knows the event that this transaction was about to note there; it is rolled back."""


class OutcomeUnknown(Exception):
    """The connection was lost while committing: whether it took effect shows only in the database."""


def run(
    engine: Engine,
    context: Context,
    work: Callable[[Session], T],
    *,
    action: str = "",
    repeatable: bool = True,
) -> T:
    """Run `work(session)` in one transaction and commit it. Collisions and lost connections are tried again.

    `repeatable` says that running again after an unknown commit is harmless (an inbox row or an idempotency key
    stands in the way of a second effect); otherwise such a commit raises OutcomeUnknown.
    """
    attempt = 0
    while True:
        context.published.clear()
        try:
            return _once(engine, context, work, action, repeatable)
        except (DBAPIError, StaleDataError) as error:
            attempt += 1
            if attempt > LIMITS.immediate_retries or not may_pass(error, attempt):
                raise
            metrics.immediate_retries.inc()
            time.sleep(random.uniform(0.01, 0.05) * 2**attempt)


def may_pass(error: Exception, attempt: int) -> bool:
    """Whether the same work may succeed when tried again at once.

    A unique violation is tried once more: the second run meets the row that won and answers accordingly.
    """
    if isinstance(error, StaleDataError):
        return True
    if isinstance(error, IntegrityError):
        return attempt == 1 and _code(error) == errorcodes.UNIQUE_VIOLATION
    return isinstance(error, DBAPIError) and (_code(error) in _COLLISIONS or connection_lost(error))


def connection_lost(error: Exception) -> bool:
    """Whether the database could not be reached or went away, rather than refused."""
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return False
    code = _code(error)
    lost = bool(error.connection_invalidated) or code is None or code[:2] in ("08", "57")
    return lost and code != errorcodes.QUERY_CANCELED


def cut_short(error: Exception) -> bool:
    """Whether a statement took longer than the database lets it; it would again, so it is not tried at once."""
    return isinstance(error, DBAPIError) and _code(error) == errorcodes.QUERY_CANCELED


def _code(error: DBAPIError) -> str | None:
    return getattr(error.orig, "pgcode", None)


def _once(engine: Engine, context: Context, work: Callable[[Session], T], action: str, repeatable: bool) -> T:
    session = new_session(engine)
    session.info["context"] = context
    try:
        result = work(session)
        session.flush()
        faults.point("before_commit")
        _commit(session, _closing_words(session, action, result), repeatable)
    finally:
        session.close()
    if outbox.take(session):
        outbox.committed(engine)
    faults.point("after_commit")
    return result


def _commit(session: Session, closing: tuple[str, list[Any]] | None, repeatable: bool) -> None:
    """Write inbox, outbox, audit and remembered replies, and commit, in one round trip."""
    try:
        if closing:
            connection = session.connection()
            prepared.commit_with_next(connection)
            connection.exec_driver_sql(closing[0], tuple(closing[1]))
        session.commit()
    except DBAPIError as error:
        if connection_lost(error) and not repeatable:
            raise OutcomeUnknown from error
        if isinstance(error, IntegrityError) and error.orig.diag.constraint_name == _INBOX_KEY:  # type: ignore[union-attr]
            raise AlreadyHandled from error
        raise


def _closing_words(session: Session, action: str, result: Any) -> tuple[str, list[Any]] | None:
    """The one statement, with its parameters, that writes inbox, outbox, audit and the remembered reply of the transaction."""
    parts: list[str] = []
    parameters: list[Any] = []
    if pending := outbox.take(session):
        part, parameters = outbox.statement_part(pending)
        parts.append(part)
    if action and "audited" in session.info:
        auditing.note_action(session, action, getattr(result, "id", None))
        part, values = auditing.statement_part(session)
        parts, parameters = [*parts, part], [*parameters, *values]
    if handled := session.info.get("handled"):
        parts, parameters = [*parts, handled[0]], [*parameters, *handled[1]]
    if remembered := session.info.get("remember"):
        parts.append(_REMEMBER + ", ".join([_REMEMBERED] * len(remembered)) + ")")
        parameters += [value for row in remembered for value in (*row, clock.ahead())]
    return ("WITH " + ", ".join(parts) + " SELECT 1", parameters) if parts else None


def close_with(session: Session, part: str, values: list[Any]) -> None:
    """Have a row written to the inbox by the last statement, of which `part` is a CTE. If it is known there, that raises
    AlreadyHandled, and nothing has happened.
    """
    session.info["handled"] = part, values


_INBOX_KEY = "inbox_pkey"
_REMEMBER = (
    "remembered AS (INSERT INTO idempotency"
    " (actor, operation, key, request_sha256, status, body, headers, aggregate_id, permanent, created_at) VALUES "
)
_REMEMBERED = "(%s, %s, %s, %s::bytea, %s, %s, %s::jsonb, %s::uuid, %s, now() + %s)"
