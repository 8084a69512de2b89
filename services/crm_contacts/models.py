"""Contacts and what identifies them."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from crm_contacts.contact import AnyContact
from shared.contract import Changes
from shared.contracts.crm_contacts import CustomFieldCreated, CustomFieldDeleted, CustomFieldUpdated
from shared.database import Aggregate, Conventions, new_metadata
from shared.ids import new_id
from shared.refusals import Invalid


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()


class Contact(AnyContact, Aggregate, Base):
    """A person or an organization. `email` repeats the primary address for filters and search."""

    __tablename__ = "contact"

    kind: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    name: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    legal_name: Mapped[str | None]
    siren: Mapped[str | None]
    siret: Mapped[str | None]
    vat_number: Mapped[str | None]
    naf_code: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="fr")
    email: Mapped[str | None]
    emails: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    phones: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    addresses: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    roles: Mapped[list[str]] = mapped_column(default=list)
    lifecycle_stage: Mapped[str | None]
    owner_id: Mapped[UUID | None]
    source: Mapped[str | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("contact.id"))
    external_ids: Mapped[dict[str, str]] = mapped_column(default=dict)
    tags: Mapped[list[str]] = mapped_column(default=list)
    custom: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ContactPoint(Base):
    """A comparable identifying value of a contact; the key serves the search for exact duplicates."""

    __tablename__ = "contact_point"

    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)


class ExternalId(Base):
    """The id that another system gave a contact, unique per source."""

    __tablename__ = "contact_external_id"

    source: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))


class CustomField(Aggregate, Base):
    """What an organization adds to a resource. Resource, name and type never change: values depend on them."""

    __tablename__ = "custom_field"

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
