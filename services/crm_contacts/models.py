"""Contacts and what identifies them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from crm_contacts import identity
from crm_contacts.errors import ContactInUse
from shared.contracts.crm_contacts import (
    LIFECYCLE_STAGES,
    ROLES,
    ContactCreated,
    ContactUpdated,
    CustomFieldCreated,
    CustomFieldDeleted,
    CustomFieldUpdated,
)
from shared.database import Aggregate, Conventions, new_metadata
from shared.ids import new_id
from shared.refusals import Invalid, InvalidTransition

Point = tuple[str, str]
"""Kind (email, phone, siren, siret, vat_number) and comparable value."""


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()


class Contact(Aggregate, Base):
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

    @classmethod
    def register(cls, values: dict[str, Any]) -> "Contact":
        """A new contact from the validated request. Raises Invalid."""
        empty: dict[str, Any] = {
            "emails": [],
            "phones": [],
            "addresses": [],
            "roles": [],
            "external_ids": {},
            "tags": [],
        }
        contact = cls(id=values.get("id") or new_id(), status="active", language="fr", kind=values["kind"], **empty)
        contact.change({name: value for name, value in values.items() if name not in ("id", "kind")})
        return contact

    def change(self, values: dict[str, Any]) -> None:
        """Set what a client sent. Raises Invalid with pointers into the request."""
        self._check_name(values)
        self._check_stage(values)
        values = identity.normalised(values)
        if "roles" in values:
            values["roles"] = [role for role in ROLES if role in values["roles"]]
        for name, value in values.items():
            setattr(self, name, value)
        self._complete()

    def archive(self) -> None:
        """Take it out of use; documents that name it stay as they are."""
        if self.status != "active":
            raise InvalidTransition(state=self.status, allowed=[])
        self.status = "archived"

    def erase_unused(self, has_children: bool) -> None:
        """Prepare its deletion. Raises ContactInUse."""
        used = [role for role in ("customer", "supplier") if role in self.roles] + ["parent"] * has_children
        if used:
            raise ContactInUse(reason=", ".join(used))
        self.status = "erased"

    def points(self) -> set[Point]:
        """What an exact duplicate would share with this contact."""
        return points(
            (e["value"] for e in self.emails),
            (p["value"] for p in self.phones),
            {"siren": self.siren, "siret": self.siret, "vat_number": self.vat_number},
        )

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """Possible duplicates found while this request wrote the contact; not stored."""
        found: list[dict[str, Any]] = self.__dict__.get("possible_duplicates", [])
        return found

    def warn_of(self, duplicates: list[dict[str, Any]]) -> None:
        """Let the answer name contacts that share an identifying value."""
        self.__dict__["possible_duplicates"] = [
            {"code": "possible_duplicate", "contact_id": found["contact_id"], "on": kind}
            for found in duplicates
            for kind in found["on"]
        ]

    def created(self) -> ContactCreated:
        return ContactCreated(**self._state())

    def updated(self) -> ContactUpdated:
        return ContactUpdated(**self._state())

    def _state(self) -> dict[str, Any]:
        names = ("kind", "name", "status", "language", "email", "siren", "vat_number")
        own = {name: getattr(self, name) for name in names}
        return {"contact_id": self.id, "roles": list(self.roles), "country": self._country(), **own}

    def _country(self) -> str | None:
        legal = sorted(self.addresses, key=lambda address: address["type"] != "legal")
        return legal[0]["country"] if legal else None

    def _check_name(self, values: dict[str, Any]) -> None:
        wrong = ("first_name", "last_name") if self.kind == "organization" else ("name",)
        errors = [
            {"pointer": f"/{name}", "code": "not_for_this_kind"} for name in wrong if values.get(name) is not None
        ]
        if errors:
            raise Invalid(errors)

    def _check_stage(self, values: dict[str, Any]) -> None:
        """The funnel runs forward; a reset is made explicit by null, and `other` stands outside."""
        old, new = self.lifecycle_stage, values.get("lifecycle_stage")
        if old and new and "other" not in (old, new) and LIFECYCLE_STAGES.index(new) < LIFECYCLE_STAGES.index(old):
            raise Invalid.at("/lifecycle_stage", "stage_backwards")

    def _complete(self) -> None:
        if self.kind == "person":
            self.name = " ".join(part for part in (self.first_name, self.last_name) if part)
        if not self.name:
            raise Invalid.at("/name" if self.kind == "organization" else "/last_name", "required")
        if self.siret and not self.siren:
            self.siren = self.siret[:9]
        if self.siret and self.siren and not self.siret.startswith(self.siren):
            raise Invalid.at("/siret", "siret_not_of_siren")
        first = identity.primary(self.emails)
        self.email = identity.comparable_email(first) if first else None


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


def points(emails: Iterable[str], phones: Iterable[str], numbers: dict[str, str | None]) -> set[Point]:
    """Normal forms as comparable points."""
    found = {("email", identity.comparable_email(value)) for value in emails} | {("phone", value) for value in phones}
    return found | {(kind, value) for kind, value in numbers.items() if value}


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

    def updated(self) -> CustomFieldUpdated:
        return CustomFieldUpdated(**self._state())

    def deleted(self) -> CustomFieldDeleted:
        return CustomFieldDeleted(custom_field_id=self.id, resource=self.resource, name=self.name)

    def _state(self) -> dict[str, Any]:
        names = ("resource", "name", "required", "label_en", "label_fr")
        own = {name: getattr(self, name) for name in names}
        return {"custom_field_id": self.id, "kind": self.type, "options": list(self.options), **own}


def _id_of(values: dict[str, Any]) -> UUID:
    chosen: UUID = values.get("id") or new_id()
    return chosen
