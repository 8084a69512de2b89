"""`GET /v1/<resource>/{id}/history`: who changed what, old → new, when, and in which request."""

from shared.schema.collection import Collection
from shared.schema.contract import Listing, Operation
from shared.wire import fields
from shared.wire.fields import Schema

EFFECTS = ("created", "changed", "deleted", "none")


class FieldChange(Schema):
    """One field before and after. For a list of parts, such as `lines`, `new` counts what was added, changed, removed.
    `label` is the name of the field in the caller's language."""

    field = fields.Text(required=True)
    label = fields.Text()
    old = fields.Anything(allow_none=True)
    new = fields.Anything(allow_none=True)


class HistoryEntry(Schema):
    """One command and what it did to the resource. `action` is the name of the operation that was called; `api_key_id` says
    with which key a program acted for the actor."""

    id = fields.Uuid()
    at = fields.Instant()
    actor = fields.Text()
    api_key_id = fields.Uuid(allow_none=True)
    action = fields.Text()
    effect = fields.Choice(*EFFECTS)
    request_id = fields.Text()
    changes = fields.Many(fields.Part(FieldChange))


HISTORY = Listing(
    filters={"at": fields.Instant(), "actor": fields.Text(), "request_id": fields.Text()},
    sorts=("at",),
    default_sort="-at",
)


def declare(resource: Collection) -> Operation | None:
    """For every resource: a user who may read it may read its history."""
    assert resource.get is not None
    return Operation(
        f"GET {resource.path}/{{id}}/history",
        "Who changed what in a record",
        resource.get.permission,
        response=HistoryEntry,
        listing=HISTORY,
        name=f"history_of_{resource.snake}",
    )
