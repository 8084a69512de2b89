"""Contacts and what identifies them."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from crm_contacts.contact import AnyContact
from crm_contacts.models.base import Base
from shared.contracts.crm_contacts import contacts
from shared.storage.constraints import EMPTY_OBJECT, one_of, searched_texts, where_given
from shared.storage.database import Aggregate


class Contact(AnyContact, Aggregate, Base, of=contacts.Contact):
    """A person or an organization. `email` repeats the primary address for filters and search."""

    __table_args__ = (
        CheckConstraint("name <> ''", name="name"),  # of a person it may be longer than the limit of a request
        CheckConstraint("siren ~ '^[0-9]{9}$'", name="siren"),
        CheckConstraint("siret ~ '^[0-9]{14}$' AND siret LIKE siren || '%'", name="siret"),
        CheckConstraint("parent_id <> id", name="own_parent"),
        Index("ix_contact_status", "status", "created_at", "id"),
        Index("ix_contact_owner_id", "owner_id", "created_at", "id"),
        Index("ix_contact_lifecycle_stage", "lifecycle_stage", "created_at", "id"),
        Index("ix_contact_siren", "siren"),
        where_given("ix_contact_parent_id", "parent_id"),
        Index("ix_contact_roles", "roles", postgresql_using="gin"),
        *searched_texts("contact", "email"),
    )

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
    custom: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=EMPTY_OBJECT)


class ContactPoint(Base):
    """A comparable identifying value of a contact; the key serves the search for exact duplicates."""

    __tablename__ = "contact_point"
    __table_args__ = (
        one_of("kind", "email", "phone", "siren", "siret", "vat_number"),
        Index(None, "contact_id"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)


class ExternalId(Base):
    """The id that another system gave a contact, unique per source."""

    __tablename__ = "contact_external_id"
    __table_args__ = (Index(None, "contact_id"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
