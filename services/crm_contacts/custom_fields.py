"""Flow: a custom field is defined → its options, labels and whether it is required change → removed."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_contacts.models import CustomField
from shared import custom
from shared.changes import recorded
from shared.contracts import crm_contacts as contacts
from shared.entrypoints import ListRequest, Page, command, query
from shared.outbox import publish
from shared.refusals import Invalid


class CustomFields:
    """Definitions concern every service whose resources have a `custom` member: they keep copies."""

    @command(contacts.create_custom_field)
    def create_custom_field(self, session: Session, request: dict[str, Any]) -> CustomField:
        if request["resource"] not in custom.resources():
            raise Invalid.at("/resource", "invalid_choice", allowed=list(custom.resources()))
        defined = CustomField.define(request)
        session.add(defined)
        session.flush()
        publish(session, defined.created())
        return defined

    @query(contacts.get_custom_field)
    def get_custom_field(self, session: Session, defined: CustomField) -> CustomField:
        return defined

    @query(contacts.list_custom_fields)
    def list_custom_fields(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(CustomField))

    @command(contacts.patch_custom_field)
    def patch_custom_field(self, session: Session, defined: CustomField, request: dict[str, Any]) -> CustomField:
        changes = recorded(contacts.CustomFieldView, defined)
        defined.change(request)
        publish(session, defined.updated(changes()))
        return defined

    @command(contacts.delete_custom_field)
    def delete_custom_field(self, session: Session, defined: CustomField) -> None:
        """Values that were stored stay where they are; they are neither checked nor found any more."""
        publish(session, defined.deleted())
        session.delete(defined)
