"""A flow for every service whose resources have custom fields: it keeps a copy of their definitions."""

from sqlalchemy import Boolean, Column, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from shared.contracts import crm_contacts as contacts
from shared.flows.entrypoints import subscribe
from shared.storage.copies import drop, put

_FIELD = Table(
    "custom_field", MetaData(),
    Column("id", Uuid, primary_key=True), Column("resource", Text), Column("name", Text), Column("type", Text),
    Column("options", JSONB), Column("required", Boolean), Column("label_en", Text), Column("label_fr", Text),
)  # fmt: skip
_SAME = ("resource", "name", "options", "required", "label_en", "label_fr")

_Told = contacts.CustomFieldCreated | contacts.CustomFieldUpdated | contacts.CustomFieldDeleted


class CustomFieldCopies:
    """A definition is made, changed, removed."""

    @subscribe(contacts.CustomFieldCreated, contacts.CustomFieldUpdated, contacts.CustomFieldDeleted, order="latest")
    def copy_custom_field(self, session: Session, events: list[_Told]) -> None:
        made = [event for event in events if not isinstance(event, contacts.CustomFieldDeleted)]
        rows = [{"type": e.kind, **{name: getattr(e, name) for name in _SAME}, "id": e.custom_field_id} for e in made]
        put(session, _FIELD, rows, "options", "required", "label_en", "label_fr")
        drop(session, _FIELD, (e.custom_field_id for e in events if isinstance(e, contacts.CustomFieldDeleted)))
