"""The life of a contact: registered → changed → archived, or deleted while nothing uses it."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, insert, select, tuple_
from sqlalchemy.orm import Session

from crm_contacts.contact import Point
from crm_contacts.duplicates import find_duplicates
from crm_contacts.filters import columns
from crm_contacts.models import Contact, ContactPoint, ExternalId
from shared.api.reaching import within
from shared.contracts import crm_contacts as contacts
from shared.flows.entrypoints import ListRequest, Page, command, query
from shared.kernel.context import current
from shared.kernel.refusals import Invalid
from shared.storage import uses
from shared.storage.changes import recorded
from shared.storage.outbox import publish


class Registry:
    """Registered, changed, archived, deleted. Every service that keeps contacts receives each step as an event."""

    @command(contacts.Contact.create)
    def create_contact(self, session: Session, request: dict[str, Any]) -> Contact:
        contact = Contact.register(request)
        _check_parent(session, contact)
        session.add(contact)
        session.flush()
        _index(session, contact, set(), {})
        publish(session, contact.created())
        return contact

    @query(contacts.Contact.list)
    def list_contacts(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Contact), columns())

    @command(contacts.Contact.update)
    def update_contact(self, session: Session, contact: Contact, request: dict[str, Any]) -> Contact:
        points, external_ids = contact.points(), contact.external_ids
        changes = recorded(contacts.Contact.declaration.view, contact)
        contact.change(request)
        if request.get("parent_id"):
            _check_parent(session, contact)
        session.flush()
        _index(session, contact, points, external_ids)
        publish(session, contact.updated(changes()))
        return contact

    @command(contacts.Contact.delete)
    def delete_contact(self, session: Session, contact: Contact) -> None:
        has_children = session.execute(select(exists().where(Contact.parent_id == contact.id))).scalar_one()
        changes = recorded(contacts.Contact.declaration.view, contact)
        contact.erase_unused(["parent"] * has_children + uses.users_of(session, contact.id))
        publish(session, contact.updated(changes()))
        publish(session, contact.deleted())
        session.delete(contact)


def _check_parent(session: Session, contact: Contact) -> None:
    if contact.parent_id is None:
        return
    if contact.parent_id == contact.id or contact.id in _ancestors(session, contact.parent_id):
        raise Invalid.at("/parent_id", "cycle")
    parent = session.get(Contact, contact.parent_id)
    if parent is None or not within(parent, current(session), contacts.Contact.get.permission):
        raise Invalid.at("/parent_id", "not_found")


def _ancestors(session: Session, contact_id: UUID) -> set[UUID]:
    """What stands above a contact."""
    above = select(Contact.parent_id).where(Contact.id == contact_id).cte(recursive=True)
    above = above.union(select(Contact.parent_id).join(above, Contact.id == above.c.parent_id))
    return set(session.scalars(select(above.c.parent_id)))


def _index(session: Session, contact: Contact, points: set[Point], external_ids: dict[str, str]) -> None:
    """Keep the side tables equal to the contact, and warn of others that share a value that is new here."""
    now = contact.points()
    if gone := points - now:
        same = tuple_(ContactPoint.kind, ContactPoint.value).in_(sorted(gone))
        session.execute(delete(ContactPoint).where(ContactPoint.contact_id == contact.id, same))
    if new := sorted(now - points):
        contact.warn_of(find_duplicates(session, new, but=contact.id))
        rows = [{"kind": kind, "value": value, "contact_id": contact.id} for kind, value in new]
        session.execute(insert(ContactPoint).values(rows))
    if contact.external_ids != external_ids:
        _index_external_ids(session, contact, external_ids)


def _index_external_ids(session: Session, contact: Contact, before: dict[str, str]) -> None:
    if before:
        session.execute(delete(ExternalId).where(ExternalId.contact_id == contact.id))
    rows = [
        {"source": source, "external_id": value, "contact_id": contact.id}
        for source, value in sorted(contact.external_ids.items())
    ]
    if rows:
        session.execute(insert(ExternalId).values(rows))
