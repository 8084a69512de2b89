"""Exact duplicates: other contacts that share a normalised e-mail, phone, SIREN, SIRET or VAT number."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from crm_contacts import identity
from crm_contacts.contact import Point, points
from crm_contacts.models import Contact, ContactPoint
from shared.api.reaching import conditions
from shared.contracts import crm_contacts as contacts
from shared.flows.entrypoints import query
from shared.kernel.context import current

_MOST = 100


class Duplicates:
    """Asked before a contact is registered, or about one that exists."""

    @query(contacts.check_duplicates)
    def check_duplicates(self, session: Session, request: dict[str, Any]) -> dict[str, Any]:
        values = identity.normalised(
            {
                **request,
                "emails": [{"value": value, "primary": False} for value in request["emails"]],
                "phones": [{"value": value, "primary": False} for value in request["phones"]],
            }
        )
        numbers = {kind: values[kind] for kind in ("siren", "siret", "vat_number")}
        wanted = points((e["value"] for e in values["emails"]), (p["value"] for p in values["phones"]), numbers)
        return {"data": find_duplicates(session, sorted(wanted))}

    @query(contacts.get_duplicates)
    def get_duplicates(self, session: Session, contact: Contact) -> dict[str, Any]:
        return {"data": find_duplicates(session, sorted(contact.points()), but=contact.id)}


def find_duplicates(session: Session, wanted: list[Point], but: UUID | None = None) -> list[dict[str, Any]]:
    """Contacts that have any of these points: [{contact_id, name, on: [kinds]}], oldest first."""
    if not wanted:
        return []
    statement = (
        select(Contact.id, Contact.name, func.array_agg(ContactPoint.kind.distinct()))
        .join(ContactPoint, ContactPoint.contact_id == Contact.id)
        .where(tuple_(ContactPoint.kind, ContactPoint.value).in_(wanted))
        .group_by(Contact.id)
        .order_by(Contact.id)
        .limit(_MOST)
    )
    statement = statement.where(*conditions(Contact, current(session), contacts.get_duplicates.permission))
    if but is not None:
        statement = statement.where(Contact.id != but)
    return [{"contact_id": row[0], "name": row[1], "on": sorted(row[2])} for row in session.execute(statement)]
