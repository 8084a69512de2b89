"""`/v1/parked-messages`: what no attempt could handle, in every service. Listed, shown, tried again, given up."""

import base64
import json
from datetime import datetime
from typing import Any

from shared.schema.contract import Operation
from shared.wire import fields
from shared.wire.fields import Schema

MEMBER = "/v1/parked-messages/{service}/{consumer}/{event_id}"


class ParkedMessage(Schema):
    """A message that waits for an operator. What could not be read has an id made of its content."""

    service = fields.Text(required=True)
    consumer = fields.Text(required=True)
    event_id = fields.Uuid(required=True)
    type = fields.Text(required=True)
    producer = fields.Text(required=True)
    attempts = fields.Whole(required=True)
    error_code = fields.Text(allow_none=True, required=True)
    received_at = fields.Instant(required=True)


class ParkedMessageWithBody(ParkedMessage):
    """`body` is the message as it came, at most 64 KiB of it; bytes that are no text are replaced."""

    body = fields.Text(most=64 * 1024, required=True)


class ParkedMessages(Schema):
    """Oldest first. `unavailable` names services that did not answer: theirs are missing here."""

    data = fields.Many(fields.Part(ParkedMessage), required=True)
    next_cursor = fields.Text(most=500, allow_none=True, required=True)
    unavailable = fields.Many(fields.Text())


class ParkedFilter(Schema):
    service = fields.Text(most=50)
    consumer = fields.Text(most=100)
    type = fields.Text(most=200)
    error_code = fields.Text(most=100)
    limit = fields.Digits(least=1, most=200, load_default=50)
    cursor = fields.Text(most=500)


class ParkedReason(Schema):
    """Why; it is kept in the audit."""

    reason = fields.Multiline(most=500, least=3, required=True)


def cursor_of(row: dict[str, Any]) -> str:
    """Where the page after this row begins, whichever service keeps the rows that follow."""
    place = [row["received_at"], row["event_id"], row["consumer"], row["service"]]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place_of(row: dict[str, Any]) -> tuple[datetime, str, str, str]:
    """Where this row stands among those of all services: the same order as that of their cursors."""
    return datetime.fromisoformat(row["received_at"]), row["event_id"], row["consumer"], row["service"]


def declare() -> dict[str, Operation]:
    """The operations that every service has, each service its own."""
    read, write = "system.parked:read", "system.parked:write"
    declared = {
        "list_parked_messages": Operation(
            "GET /v1/parked-messages", "Messages that no attempt could handle", read,
            response=ParkedMessages, parameters=ParkedFilter,
        ),
        "get_parked_message": Operation(f"GET {MEMBER}", "One with its body", write, response=ParkedMessageWithBody),
        "replay_parked_message": Operation(
            f"POST {MEMBER}/replay", "Try it again from the first attempt on", write, request=ParkedReason,
        ),
        "discard_parked_message": Operation(
            f"POST {MEMBER}/discard", "Give it up for good; the row stays as evidence", write, request=ParkedReason,
        ),
    }  # fmt: skip
    for name, operation in declared.items():
        operation.name, operation.derived, operation.everywhere = name, "parked", True
        operation.tag = "parked-messages"
        operation.all_companies = True
    return declared
