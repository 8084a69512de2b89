"""Flow: a custom field is defined for a resource that has a member `custom`."""

from typing import Any

from sqlalchemy.orm import Session

from crm_contacts.models import CustomField
from shared.contracts import crm_contacts as contacts
from shared.flows.entrypoints import command
from shared.kernel.refusals import Invalid
from shared.storage import custom
from shared.storage.outbox import publish


class CustomFields:
    """Definitions concern every service whose resources have a `custom` member: they keep copies."""

    @command(contacts.CustomField.create)
    def create_custom_field(self, session: Session, request: dict[str, Any]) -> CustomField:
        if request["resource"] not in custom.resources():
            raise Invalid.at("/resource", "invalid_choice", allowed=list(custom.resources()))
        defined = CustomField.define(request)
        session.add(defined)
        session.flush()
        publish(session, defined.created())
        return defined
