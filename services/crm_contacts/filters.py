"""Filters that look into lists: `role=customer` means that the roles hold it, `email=…` that any address is it."""

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, func, not_, select
from sqlalchemy.dialects.postgresql import ARRAY, array

from crm_contacts import identity
from crm_contacts.models import Contact, ContactPoint
from shared.refusals import BadRequest


class Holds:
    """Stands where a list query expects a column; `any_of(values)` is the condition that one of them is held.

    `none` is the condition that nothing is held, `text` the column in which parts of words are looked for, if any.
    """

    def __init__(
        self,
        name: str,
        any_of: Callable[[list[str]], ColumnElement[bool]],
        none: ColumnElement[bool],
        text: Any = None,
    ) -> None:
        self.name, self.any_of, self.none, self.text = name, any_of, none, text

    def __eq__(self, value: object) -> Any:
        return self.any_of([str(value)])

    def __ne__(self, value: object) -> Any:
        return not_(self.any_of([str(value)]))

    __hash__ = object.__hash__

    def in_(self, values: list[str]) -> ColumnElement[bool]:
        return self.any_of(values)

    def is_(self, _: None) -> ColumnElement[bool]:
        return self.none

    def is_not(self, _: None) -> ColumnElement[bool]:
        return not_(self.none)

    def ilike(self, pattern: str, escape: str) -> Any:
        return self._refuse() if self.text is None else self.text.ilike(pattern, escape=escape)

    def __ge__(self, value: object) -> Any:
        """What follows from `starts`, see shared/prefixes.py."""
        return self._refuse() if self.text is None else self.text >= value

    def _refuse(self, *_: object, **__: object) -> Any:
        raise BadRequest(
            [{"pointer": f"?{self.name}", "code": "unknown_filter"}], operators=["eq", "ne", "in", "is_null"]
        )

    __gt__ = __lt__ = __le__ = _refuse


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
