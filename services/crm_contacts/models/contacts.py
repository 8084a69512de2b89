"""Contacts and what identifies them."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from crm_contacts.contact import AnyContact
from crm_contacts.models.base import Base
from shared.database import Aggregate
from shared.existence import copy_of


@copy_of("contacts", "contacts.contacts:read")
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
