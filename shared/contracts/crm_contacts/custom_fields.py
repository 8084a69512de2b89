"""Custom fields: what an organization adds to resources of any service."""

from dataclasses import field
from typing import ClassVar
from uuid import UUID

from shared import fields
from shared.contract import Changes, Data, Event, Listing, Operation
from shared.fields import Schema


class CustomFieldState(Data):
    """What the events of a custom field carry: its definition after the change. `kind` is its type."""

    custom_field_id: UUID
    resource: str
    name: str
    kind: str
    options: list[str]
    required: bool
    label_en: str
    label_fr: str

    permission: ClassVar[str] = "contacts.custom_fields:read"


class CustomFieldCreated(
    CustomFieldState,
    Event,
    type="crm_contacts.custom_field.created",
    number=0x6B7,
    permission="contacts.custom_fields:read",
):
    """A custom field was added to a resource."""


class CustomFieldUpdated(
    CustomFieldState,
    Event,
    type="crm_contacts.custom_field.updated",
    number=0xF00,
    permission="contacts.custom_fields:read",
):
    """A custom field was changed."""

    changes: Changes = field(default_factory=dict)


class CustomFieldDeleted(
    Event, type="crm_contacts.custom_field.deleted", number=0xD4E, permission="contacts.custom_fields:read"
):
    """A custom field was removed from a resource."""

    custom_field_id: UUID
    resource: str
    name: str


CUSTOM_TYPES = ("text", "number", "date", "boolean", "choice")


class CustomFieldChange(Schema):
    """What may change; resource, name and type never do. `options` are the values of a choice."""

    options = fields.Many(fields.Text(most=100, least=1), most=200)
    required = fields.Flag()
    label_en = fields.Text(most=100, least=1)
    label_fr = fields.Text(most=100, least=1)


class CustomFieldRequest(CustomFieldChange):
    """A custom field to add to a resource such as "contacts". Labels are the name where they are left out."""

    id = fields.Uuid()
    resource = fields.Text(most=50, least=1, required=True)
    name = fields.Text(most=50, required=True, validate=[fields.Form("^[a-z][a-z0-9_]*$", error="invalid_name")])
    type = fields.Choice(*CUSTOM_TYPES, required=True)
    options = fields.Many(fields.Text(most=100, least=1), most=200, load_default=list)
    required = fields.Flag(load_default=False)


class CustomFieldView(Schema):
    """A custom field. Its values stand in `custom` of the resource, and `custom.<name>` is a filter of its list."""

    id = fields.Uuid()
    resource = fields.Text()
    name = fields.Text()
    type = fields.Choice(*CUSTOM_TYPES)
    options = fields.Many(fields.Text())
    required = fields.Flag()
    label_en = fields.Text()
    label_fr = fields.Text()
    created_at = fields.Instant()
    updated_at = fields.Instant()
    version = fields.Whole()


_READ_CUSTOM, _WRITE_CUSTOM = "contacts.custom_fields:read", "contacts.custom_fields:manage"

create_custom_field = Operation(
    "POST /v1/custom-fields",
    "Add a custom field to a resource",
    _WRITE_CUSTOM,
    request=CustomFieldRequest,
    response=CustomFieldView,
    status=201,
)
get_custom_field = Operation("GET /v1/custom-fields/{id}", "One custom field", _READ_CUSTOM, response=CustomFieldView)
list_custom_fields = Operation(
    "GET /v1/custom-fields",
    "Custom fields by filter",
    _READ_CUSTOM,
    response=CustomFieldView,
    listing=Listing(
        filters={"resource": fields.Text(), "name": fields.Text(), "type": fields.Choice(*CUSTOM_TYPES)},
        sorts=("created_at", "resource", "name"),
        search=("name", "label_en", "label_fr"),
    ),
)
patch_custom_field = Operation(
    "PATCH /v1/custom-fields/{id}",
    "Change a custom field",
    _WRITE_CUSTOM,
    request=CustomFieldChange,
    response=CustomFieldView,
)
delete_custom_field = Operation(
    "DELETE /v1/custom-fields/{id}", "Remove a custom field from its resource", _WRITE_CUSTOM
)
