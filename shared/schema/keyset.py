"""Keyset pagination: a cursor holds the sort values of the last row of a page, and the next page is what comes after.

Null has its place as in PostgreSQL's own order: after every value, so first where a sort descends.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, tuple_

from shared.kernel import folding
from shared.kernel.refusals import BadRequest
from shared.wire.fields import instant, plain
from shared.wire.text_fields import storable

_LARGEST = 2**63
"""No column of a list holds a larger number."""


@dataclass(frozen=True, slots=True)
class Key:
    """One column or expression by which a list is sorted."""

    column: Any
    descending: bool

    @property
    def sorted_by(self) -> Any:
        """Texts are sorted as they are compared; those that are equal then have the order of the next key."""
        return folding.folded(self.column) if folding.is_text(self.column) else self.column

    def bound(self, value: Any) -> Any:
        """A value of the column in the form in which it is sorted."""
        return folding.folded(value) if isinstance(value, str) else value

    @property
    def order(self) -> Any:
        return self.sorted_by.desc() if self.descending else self.sorted_by.asc()

    @property
    def may_be_null(self) -> bool:
        """An expression may always be; a column says it."""
        return bool(getattr(getattr(self.column, "expression", self.column), "nullable", True))

    def fits(self, value: Any) -> bool:
        """Whether a cursor's value can be compared with the column: the cursor came from a stranger."""
        if value is None:
            return self.may_be_null
        bounded = -_LARGEST < value < _LARGEST if isinstance(value, (int, Decimal)) else True
        return bounded and isinstance(value, self.column.type.python_type)

    def same(self, value: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool] = self.column.is_(None) if value is None else self.sorted_by == self.bound(value)
        return found

    def later(self, value: Any) -> ColumnElement[bool]:
        """What this key alone puts behind the value."""
        if value is None:
            return self.column.is_not(None) if self.descending else false()
        bound = self.bound(value)
        if self.descending:
            return self.sorted_by < bound  # type: ignore[no-any-return]
        return or_(self.sorted_by > bound, self.column.is_(None)) if self.may_be_null else self.sorted_by > bound


def after(keys: list[Key], values: list[Any]) -> ColumnElement[bool]:
    """Rows behind the cursor. Raises BadRequest for values that the columns cannot have.

    One direction compares as a row, which an index serves; where nulls may still come, it is term by term.
    """
    try:
        fitting = all(key.fits(value) for key, value in zip(keys, values, strict=True))
    except ArithmeticError:  # NaN has no order
        fitting = False
    if not fitting:
        raise _refused()
    directions = {key.descending for key in keys}
    nulls = None in values if directions == {True} else any(key.may_be_null for key in keys)
    if len(directions) == 1 and not nulls:
        left, right = tuple_(*(key.sorted_by for key in keys)), tuple_(*map(Key.bound, keys, values))
        return left < right if directions.pop() else left > right
    pairs = list(zip(keys, values, strict=True))
    behind = (and_(*(k.same(v) for k, v in pairs[:i]), key.later(value)) for i, (key, value) in enumerate(pairs))
    return or_(*behind)


def written(seal: str, values: list[Any]) -> str:
    """A cursor that belongs to one filter and sort, which `seal` stands for."""
    raw = json.dumps([seal, [_plain(value) for value in values]]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read(raw: Any, seal: str, count: int) -> list[Any]:
    """The values in a cursor. Raises BadRequest for what was not made for this filter and sort."""
    try:
        known, values = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        if known != seal or len(values) != count:
            raise ValueError
        return [_typed(value) for value in values]
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        raise _refused() from None


def _refused() -> BadRequest:
    return BadRequest([{"pointer": "?cursor", "code": "invalid_cursor"}])


def _plain(value: Any) -> Any:
    """A sort value with its type, so that the cursor gives back the very same value."""
    match value:
        case UUID():
            return ["u", str(value)]
        case datetime():
            return ["i", instant(value)]
        case date():
            return ["d", value.isoformat()]
        case Decimal():
            return ["n", plain(value)]
    return ["v", value]


def _typed(value: Any) -> Any:
    kind, raw = value
    return _READERS[kind](raw)


def _scalar(raw: Any) -> Any:
    """A stored text as it is, whatever the rules for texts were when it came."""
    if not isinstance(raw, (str, int, type(None))) or (isinstance(raw, str) and not storable(raw)):
        raise ValueError
    return raw


_READERS: dict[str, Callable[[Any], Any]] = {
    "u": UUID,
    "i": datetime.fromisoformat,
    "d": date.fromisoformat,
    "n": Decimal,
    "v": _scalar,
}
