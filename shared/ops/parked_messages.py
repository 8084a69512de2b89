"""Messages that no attempt could handle: found, shown, replayed, discarded; each use leaves an audit row."""

from typing import Any

from sqlalchemy import Engine, text

from shared.kernel import clock, ids

_FIND = text(
    "SELECT consumer, event_id, type, producer, attempts, error_code, received_at FROM inbox WHERE state = 'parked'"
    " AND (CAST(:consumer AS text) IS NULL OR consumer = :consumer)"
    " AND (CAST(:event AS text) IS NULL OR event_id::text = :event) ORDER BY received_at LIMIT 1000"
)
_AUDIT = text(
    "INSERT INTO audit (id, at, actor, action, object_id, request_id, changes)"
    " VALUES (:id, :at, :actor, :action, :object_id, :consumer, jsonb_build_object('reason', CAST(:reason AS text)))"
)


def find(engine: Engine, consumer: str | None = None, event: str | None = None) -> list[dict[str, Any]]:
    """The parked messages of one service, oldest first, without their bodies."""
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(_FIND, {"consumer": consumer, "event": event})]


def body(engine: Engine, row: dict[str, Any]) -> bytes:
    """The message as it came."""
    wanted = text("SELECT envelope FROM inbox WHERE consumer = :consumer AND event_id = :event_id")
    with engine.connect() as connection:
        return bytes(connection.execute(wanted, row).scalar_one())


def replay(engine: Engine, row: dict[str, Any], actor: str, reason: str) -> bool:
    """Try it again now, from the first attempt on. Returns False when it is no longer parked.

    A message that could not even be read is parked again at once.
    """
    change = "UPDATE inbox SET state = 'retry', attempts = 0, next_attempt_at = now()"
    return _change(engine, row, change, "parked.replay", actor, reason)


def discard(engine: Engine, row: dict[str, Any], actor: str, reason: str) -> bool:
    """Give it up for good; the row stays as evidence."""
    return _change(engine, row, "UPDATE inbox SET state = 'discarded'", "parked.discard", actor, reason)


def _change(engine: Engine, row: dict[str, Any], change: str, action: str, actor: str, reason: str) -> bool:
    where = " WHERE consumer = :consumer AND event_id = :event_id AND state = 'parked'"
    with engine.begin() as connection:
        done = connection.execute(text(change + where), row).rowcount == 1
        if done:
            values = {"id": ids.new_id(), "at": clock.now(), "actor": actor, "action": action, "reason": reason}
            connection.execute(_AUDIT, {**values, "object_id": row["event_id"], "consumer": row["consumer"]})
    return done
