"""Custom fields: what an organization adds to resources of any service."""

from dataclasses import field
from typing import Any, ClassVar
from uuid import UUID

from shared.kernel.refusals import Invalid
from shared.schema import Choice, Flag, Many, Resource, Text, rule
from shared.schema.contract import Changes, Data, Event
from shared.wire import fields


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
_NAME = fields.Form("^[a-z][a-z0-9_]*$", error="invalid_name")


class CustomField(
    Resource,
    path="/v1/custom-fields",
    permission="contacts.custom_fields",
    permissions={"write": "manage"},
    label=("resource", "name"),
    unique=(("resource", "name"),),
    summaries={
        "create": "Add a custom field to a resource",
        "delete": "Remove a custom field from its resource",
    },
):
    """A custom field. Its values stand in `custom` of the resource, and `custom.<name>` is a filter of its list."""

    resource = Text(50, "The resource, such as contacts.", required=True, create_only=True, filter=True, sort=True)
    name = Text(
        50, "As in `custom`.", least=0, form=_NAME, required=True, create_only=True, filter=True, sort=True, search=True
    )
    type = Choice(CUSTOM_TYPES, "What its values are.", required=True, create_only=True, filter=True)
    options = Many(Text(100, least=1), "The values of a choice.", most=200, default=list)
    required = Flag("Whether each record needs a value.", default=False)
    label_en = Text(
        100, "Its name in English; else `name`.", title="English label", least=1, optional=True, search=True
    )
    label_fr = Text(100, "Its name in French; else `name`.", title="French label", least=1, optional=True, search=True)

    @rule
    def options_are_those_of_a_choice(self: Any) -> None:
        if self.type == "choice" and not self.options:
            raise Invalid.at("/options", "required")
        if self.type != "choice" and self.options:
            raise Invalid.at("/options", "not_for_this_type")
        if len(set(self.options)) < len(self.options):
            raise Invalid.at("/options", "duplicate")
