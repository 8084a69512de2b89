"""What happened, for those who ask."""

from typing import Any

from shared.schema.contract import Operation
from shared.wire import fields
from shared.wire.fields import Schema

PATTERNS = "^[a-z0-9_.*#, ]*$"
"""Patterns of routing keys, separated by commas; whether they match anything is looked up."""


_ID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_AFTER = f"^(latest|{_ID})$"
_SUBJECT = f"^[a-z_]+/{_ID}$"


class AsPublished(fields.Part):
    """An object that is shown as it was written, with members that are newer than this program."""

    def _serialize(self, nested_obj: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return nested_obj


class EventsQuery(Schema):
    """`types`: patterns of routing keys such as `crm_sales.order.*`, separated by commas. `subject`: events of one thing.

    `after=latest` shows nothing but where to read on for what happens from now on; `cursor` is `next_cursor` of a page.
    """

    after = fields.Text(most=36, load_default=None, validate=[fields.Form(_AFTER, error="invalid_uuid")])
    cursor = fields.Uuid(load_default=None)
    subject = fields.Text(most=100, load_default=None, validate=[fields.Form(_SUBJECT, error="invalid")])
    types = fields.Text(most=2000, load_default="#", validate=[fields.Form(PATTERNS, error="unknown_event_type")])
    limit = fields.Digits(least=1, most=200, load_default=50)


class EventView(Schema):
    """A CloudEvents 1.0 envelope. What `data` holds is in the schema of the type, see `GET /v1/event-types`."""

    specversion = fields.Choice("1.0", required=True)
    id = fields.Uuid(required=True)
    source = fields.Text(required=True)
    type = fields.Text(required=True)
    subject = fields.Text(required=True)
    time = fields.Instant(required=True)
    datacontenttype = fields.Text(required=True)
    dataschema = fields.Text(required=True)
    companyid = fields.Uuid(required=True)
    sequence = fields.Text(required=True)
    correlationid = fields.Text(required=True)
    causationid = fields.Text(required=True)
    actor = fields.Text(required=True)
    traceparent = fields.Text()
    data = fields.Open(required=True)


class EventsView(Schema):
    """`last_id` is the `after` of the next question; `next_cursor` is the same while there is more to read at once."""

    data = fields.Many(AsPublished(EventView), required=True)
    next_cursor = fields.Uuid(allow_none=True, required=True)
    last_id = fields.Uuid(allow_none=True, required=True)


list_events = Operation(
    "GET /v1/events", "What happened after an event, oldest first", "gateway.events:read",
    response=EventsView, parameters=EventsQuery, problems=(410,), tag="events",
)  # fmt: skip
