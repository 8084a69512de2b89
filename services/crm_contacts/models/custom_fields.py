"""What organizations add to resources."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from crm_contacts.models.base import Base
from shared.constraints import one_of
from shared.contract import Changes
from shared.contracts.crm_contacts import CustomFieldCreated, CustomFieldDeleted, CustomFieldUpdated
from shared.database import Aggregate
from shared.ids import new_id
from shared.refusals import Invalid


class CustomField(Aggregate, Base):
    """What an organization adds to a resource. Resource, name and type never change: values depend on them."""

    __tablename__ = "custom_field"
    __table_args__ = (
        CheckConstraint("name ~ '^[a-z][a-z0-9_]*$'", name="name"),
        one_of("type", "text", "number", "date", "boolean", "choice"),
        UniqueConstraint("resource", "name"),
        Index("ix_custom_field_created_at", "created_at", "id"),
    )

    resource: Mapped[str]
    name: Mapped[str]
    type: Mapped[str]
    options: Mapped[list[str]]
    required: Mapped[bool]
    label_en: Mapped[str]
    label_fr: Mapped[str]

    @classmethod
    def define(cls, values: dict[str, Any]) -> "CustomField":
        """A new definition from the validated request. Raises Invalid."""
        defined = cls(**{"label_en": values["name"], "label_fr": values["name"], **values, "id": _id_of(values)})
        defined._check_options()
        return defined

    def change(self, values: dict[str, Any]) -> None:
        """Set what a client sent. Raises Invalid."""
        for name, value in values.items():
            setattr(self, name, value)
        self._check_options()

    def _check_options(self) -> None:
        if self.type == "choice" and not self.options:
            raise Invalid.at("/options", "required")
        if self.type != "choice" and self.options:
            raise Invalid.at("/options", "not_for_this_type")
        if len(set(self.options)) < len(self.options):
            raise Invalid.at("/options", "duplicate")

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


def _id_of(values: dict[str, Any]) -> UUID:
    chosen: UUID = values.get("id") or new_id()
    return chosen
