"""What organizations add to resources."""

from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from crm_contacts.models.base import Base
from shared.contracts.crm_contacts import custom_fields
from shared.contracts.crm_contacts.custom_fields import CustomFieldCreated, CustomFieldDeleted, CustomFieldUpdated
from shared.kernel.ids import new_id
from shared.schema.contract import Changes
from shared.storage.database import Aggregate


class CustomField(Aggregate, Base, of=custom_fields.CustomField):
    """What an organization adds to a resource. Resource, name and type never change: values depend on them."""

    __table_args__ = (CheckConstraint("name ~ '^[a-z][a-z0-9_]*$'", name="name"),)

    resource: Mapped[str]
    name: Mapped[str]
    type: Mapped[str]
    options: Mapped[list[str]]
    required: Mapped[bool]
    label_en: Mapped[str]
    label_fr: Mapped[str]

    @classmethod
    def define(cls, values: dict[str, Any]) -> "CustomField":
        """A new definition from the validated request; labels are the name where they are left out."""
        return cls(**{"id": new_id(), "label_en": values["name"], "label_fr": values["name"], **values})

    def created(self) -> CustomFieldCreated:
        return CustomFieldCreated(**self._state())

    def updated(self, changes: Changes) -> CustomFieldUpdated:
        return CustomFieldUpdated(**self._state(), changes=changes)

    def deleted(self) -> CustomFieldDeleted:
        return CustomFieldDeleted(custom_field_id=self.id, resource=self.resource, name=self.name)

    def _state(self) -> dict[str, Any]:
        names = ("resource", "name", "required", "label_en", "label_fr")
        own = {name: getattr(self, name) for name in names}
        return {"custom_field_id": self.id, "kind": self.type, "options": list(self.options), **own}
