"""Carrying out what an operator decides about parked messages, in the service that keeps them."""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.api.operations import Call, Reply
from shared.kernel.refusals import BadRequest, NotFound
from shared.schema.contract import Operation
from shared.schema.derived.parked_contract import cursor_of
from shared.wire.fields import instant

_COLUMNS = "consumer, event_id, type, producer, attempts, error_code, received_at"
_PAGE = text(
    f"SELECT {_COLUMNS} FROM inbox WHERE state = 'parked'"
    " AND (CAST(:consumer AS text) IS NULL OR consumer = :consumer)"
    " AND (CAST(:type AS text) IS NULL OR type = :type)"
    " AND (CAST(:error_code AS text) IS NULL OR error_code = :error_code)"
    ' AND (received_at, event_id, consumer COLLATE "C", CAST(:service AS text) COLLATE "C")'
    " > (CAST(:at AS timestamptz), CAST(:after AS uuid), CAST(:after_consumer AS text), CAST(:after_service AS text))"
    ' ORDER BY received_at, event_id, consumer COLLATE "C" LIMIT :limit'
)
_ONE = text(
    f"SELECT {_COLUMNS}, envelope FROM inbox WHERE state = 'parked' AND consumer = :consumer AND event_id = :event_id"
)
_CHANGES = {
    "replay_parked_message": "state = 'retry', attempts = 0, next_attempt_at = now()",
    "discard_parked_message": "state = 'discarded'",
}
_BEGINNING = ("0001-01-01T00:00:00Z", str(UUID(int=0)), "", "")


def handler(operation: Operation, handlers: dict[str, Handler]) -> Handler:
    """The handler of one of the operations of parked_contract.py."""
    if operation.name == "list_parked_messages":
        return _handler("query", operation, _list, "parameters")
    if operation.name == "get_parked_message":
        return _handler("query", operation, _show)
    return _handler("command", operation, _decide, "request")


def _handler(kind: str, operation: Operation, work: Callable[..., Any], *more: str) -> Handler:
    return Handler(kind, operation.name, work, operation, arguments=dict.fromkeys(("call", *more)))


def _list(service: object, session: Session, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    at, after, after_consumer, after_service = _place(parameters.get("cursor"))
    limit = parameters["limit"]
    values = {name: parameters.get(name) for name in ("consumer", "type", "error_code")}
    values |= {"at": at, "after": after, "after_consumer": after_consumer, "after_service": after_service}
    found = session.execute(_PAGE, values | {"service": call.operation.service, "limit": limit + 1})
    rows = [_view(call, row) for row in found]
    last = {**rows[limit - 1], "received_at": instant(rows[limit - 1]["received_at"])} if len(rows) > limit else None
    return {"data": rows[:limit], "next_cursor": cursor_of(_json(last)) if last else None}


def _show(service: object, session: Session, call: Call) -> dict[str, Any]:
    row = _found(session, call)
    return {**_view(call, row), "body": bytes(row.envelope or b"").decode(errors="replace").replace("\x00", "\ufffd")}


def _decide(service: object, session: Session, call: Call, request: dict[str, Any]) -> Reply:
    row = _found(session, call)
    change = f"UPDATE inbox SET {_CHANGES[call.operation.name]} WHERE consumer = :consumer AND event_id = :event_id"
    values = {"consumer": row.consumer, "event_id": row.event_id}
    if session.execute(text(f"{change} AND state = 'parked' RETURNING 1"), values).first() is None:
        raise NotFound(what="parked_message", id=row.event_id)  # somebody else decided meanwhile
    told = {"consumer": [None, row.consumer], "reason": [None, request["reason"]]}
    session.info.setdefault("changes", {})[f"parked/{row.event_id}"] = told
    return Reply("null", status=204, id=str(row.event_id))


def _found(session: Session, call: Call) -> Row[Any]:
    """Raises NotFound, also for one that is not parked any more."""
    values = {"consumer": call.path["consumer"], "event_id": call.path["event_id"]}
    try:
        UUID(str(values["event_id"]))
    except ValueError:
        raise NotFound(what="parked_message", id=values["event_id"]) from None
    row = session.execute(_ONE, values).one_or_none()
    if row is None:
        raise NotFound(what="parked_message", id=values["event_id"])
    return row


def _view(call: Call, row: Row[Any]) -> dict[str, Any]:
    return {**row._mapping, "service": call.operation.service}


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "event_id": str(row["event_id"])}


def _place(cursor: str | None) -> tuple[str, str, str, str]:
    """What stands in a cursor, which comes from a stranger. Raises BadRequest."""
    if cursor is None:
        return _BEGINNING
    try:
        at, event_id, consumer, service = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not all(isinstance(part, str) and "\x00" not in part for part in (at, event_id, consumer, service)):
            raise ValueError
        return datetime.fromisoformat(at).isoformat(), str(UUID(event_id)), consumer, service
    except (ValueError, TypeError, RecursionError):
        raise BadRequest([{"pointer": "?cursor", "code": "invalid_cursor"}]) from None
