"""Filters that look into lists: `role=customer` means that the roles hold it, `email=…` that any address is it."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, array

from crm_contacts import identity
from crm_contacts.models import Contact, ContactPoint
from shared.conditions import Holds


@cache
def columns() -> dict[str, Any]:
    """The names of the contact list that are not plain columns."""
    return {
        "role": Holds("role", _has_role, func.jsonb_array_length(Contact.roles) == 0),
        "email": Holds("email", _has_email, Contact.email.is_(None), Contact.email),
    }


def _has_role(values: list[str]) -> ColumnElement[bool]:
    return Contact.roles.op("?|", is_comparison=True)(cast(array(values), ARRAY(Text)))


def _has_email(values: list[str]) -> ColumnElement[bool]:
    wanted = [identity.comparable_email(value) for value in values]
    held = and_(ContactPoint.kind == "email", ContactPoint.value.in_(wanted))
    return Contact.id.in_(select(ContactPoint.contact_id).where(held))
