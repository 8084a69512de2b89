"""The one transaction around every handler: open, act, write outbox and audit, commit; retry what only collided."""

import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from psycopg2 import errorcodes
from sqlalchemy import Engine, event, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from shared import clock, faults, metrics, outbox
from shared.context import Context
from shared.database import Aggregate, new_session
from shared.envelope import dumps
from shared.fields import plain
from shared.ids import new_id
from shared.settings import LIMITS

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
    return bool(error.connection_invalidated) or code is None or code[:2] in ("08", "57")


def _code(error: DBAPIError) -> str | None:
    return getattr(error.orig, "pgcode", None)


def _once(engine: Engine, context: Context, work: Callable[[Session], T], action: str, repeatable: bool) -> T:
    session = new_session(engine)
    session.info["context"] = context
    try:
        result = work(session)
        session.flush()
        finish(session, action, result, notify=outbox.must_notify(engine))
        faults.point("before_commit")
        _commit(session, repeatable)
    finally:
        session.close()
    if outbox.take(session):
        outbox.committed(engine)
    faults.point("after_commit")
    return result


def _commit(session: Session, repeatable: bool) -> None:
    try:
        session.commit()
    except DBAPIError as error:
        if connection_lost(error) and not repeatable:
            raise OutcomeUnknown from error
        raise


def finish(session: Session, action: str, result: Any, notify: bool = False) -> None:
    """Write outbox, audit and the remembered reply of the transaction in one statement."""
    parts: list[str] = []
    parameters: list[Any] = []
    pending = outbox.take(session)
    if pending:
        parts, parameters = outbox.statement_parts(pending)
    if action and "audited" in session.info:
        parts.append(_AUDIT)
        parameters += _audit_values(session, action, result)
    for number, remembered in enumerate(session.info.get("remember", ())):
        parts.append(_REMEMBER.format(number))
        parameters += remembered
    if parts:
        session.connection().exec_driver_sql("WITH " + ", ".join(parts) + " SELECT 1", tuple(parameters))
    if pending and notify:
        session.connection().exec_driver_sql("NOTIFY outbox")


_AUDIT = (
    "audited AS (INSERT INTO audit (id, at, actor, action, object_id, request_id, changes)"
    " VALUES (%s::uuid, %s, %s, %s, %s::uuid, %s, %s::jsonb))"
)
_REMEMBER = (
    "remembered{} AS (INSERT INTO idempotency"
    " (actor, operation, key, request_sha256, status, body, headers, aggregate_id, permanent, created_at)"
    " SELECT * FROM (VALUES (%s, %s, %s, %s::bytea, %s, %s, %s::jsonb, %s::uuid, %s, now())) AS reply)"
)


def _audit_values(session: Session, action: str, result: Any) -> list[Any]:
    context: Context = session.info["context"]
    object_id = getattr(result, "id", None)
    return [
        str(new_id()),
        clock.now(),
        context.actor,
        action,
        str(object_id) if object_id else None,
        context.request_id,
        dumps(session.info.get("changes", {})),
    ]


@event.listens_for(Session, "before_flush")
def _note_changes(session: Session, *_: Any) -> None:
    """Collect old → new of every changed field of aggregates, for the audit row of a command."""
    if "audited" not in session.info:
        return
    changes = session.info.setdefault("changes", {})
    for changed in session.dirty:
        if isinstance(changed, Aggregate):
            state = inspect(changed)
            fields = {
                a.key: [_shown(h.deleted[0]), _shown(h.added[0])]
                for a in state.mapper.column_attrs
                if a.key not in ("version", "updated_at")
                and (h := state.attrs[a.key].history).added and h.deleted
            }  # fmt: skip
            if fields:
                changes[f"{changed.__class__.__name__}/{changed.id}"] = fields


def _shown(value: Any) -> Any:
    if isinstance(value, (str, int, bool, list, dict, type(None))):
        return value
    return plain(value) if isinstance(value, Decimal) else str(value)
