"""Filters that look into lists: `role=customer` means that the roles hold it, `email=…` that any address is it."""

from functools import cache, partial
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from crm_contacts import identity
from crm_contacts.models import Contact, ContactPoint
from shared.schema.conditions import Holds, held_in_list


@cache
def columns() -> dict[str, Any]:
    """The names of the contact list that are not plain columns."""
    return {
        "role": held_in_list("role", Contact.roles),
        "email": Holds("email", partial(_has, "email"), Contact.email.is_(None), Contact.email),
        "siren": Holds("siren", partial(_has, "siren"), Contact.siren.is_(None), Contact.siren),
    }


def _has(kind: str, values: list[str]) -> ColumnElement[bool]:
    """However it is written: a SIREN also where only the VAT number says it."""
    wanted = [identity.comparable(kind, value) for value in values]
    held = and_(ContactPoint.kind == kind, ContactPoint.value.in_(wanted))
    return Contact.id.in_(select(ContactPoint.contact_id).where(held))
