"""A flow for every service whose resources have custom fields: it keeps a copy of their definitions."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.contracts import crm_contacts as contacts
from shared.flows.entrypoints import subscribe

_KEEP = text(
    "INSERT INTO custom_field (id, resource, name, type, options, required, label_en, label_fr)"
    " VALUES (:id, :resource, :name, :type, cast(:options AS jsonb), :required, :label_en, :label_fr)"
    " ON CONFLICT (id) DO UPDATE SET options = excluded.options, required = excluded.required,"
    " label_en = excluded.label_en, label_fr = excluded.label_fr"
)
_FORGET = text("DELETE FROM custom_field WHERE id = :id")

_Told = contacts.CustomFieldCreated | contacts.CustomFieldUpdated | contacts.CustomFieldDeleted


class CustomFieldCopies:
    """A definition is made, changed, removed."""

    @subscribe(contacts.CustomFieldCreated, contacts.CustomFieldUpdated, contacts.CustomFieldDeleted, order="latest")
    def copy_custom_field(self, session: Session, events: list[_Told]) -> None:
        for event in events:
            if isinstance(event, contacts.CustomFieldDeleted):
                session.execute(_FORGET, {"id": event.custom_field_id})
            else:
                session.execute(_KEEP, _values(event))


def _values(event: contacts.CustomFieldCreated | contacts.CustomFieldUpdated) -> dict[str, Any]:
    names = ("resource", "name", "required", "label_en", "label_fr")
    same = {name: getattr(event, name) for name in names}
    return {"id": event.custom_field_id, "type": event.kind, "options": json.dumps(event.options), **same}
