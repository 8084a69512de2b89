"""Events are filled from the aggregates that they are about, by name."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from shared.kernel.ids import new_id
from shared.schema.filling import filled

LINE, ORDER = new_id(), new_id()


@dataclass(frozen=True, kw_only=True)
class Part:
    """A line of an order, as an event tells it."""

    line_id: UUID
    sku: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event, were it one."""

    order_id: UUID
    number: str
    tags: list[str]
    lines: list[Part]
    changes: dict[str, Any] = field(default_factory=dict)
    note: str | None = None


class Order:
    """An aggregate whose method has the name of a field."""

    def __init__(self) -> None:
        self.id, self.number, self.tags, self.note = ORDER, "SO-1", ("new",), "urgent"
        self.lines = [SimpleNamespace(id=LINE, sku="LAMP", price=3)]

    def changes(self) -> None:
        """What changed is computed."""


class Bare:
    """A line that says nothing of itself."""

    id = LINE


def test_fields_are_taken_by_name_and_the_first_one_is_the_id() -> None:
    told = Told(**filled(Told, Order(), {}))
    assert told == Told(
        order_id=ORDER, number="SO-1", tags=["new"], lines=[Part(line_id=LINE, sku="LAMP")], note="urgent"
    )
    assert told.changes == {}


def test_what_is_given_wins() -> None:
    told = Told(**filled(Told, Order(), {"number": "SO-2", "lines": [], "changes": {"note": [None, "urgent"]}}))
    assert (told.number, told.lines, told.changes, told.order_id) == ("SO-2", [], {"note": [None, "urgent"]}, ORDER)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(TypeError, match="Told needs number, which SimpleNamespace does not have"):
        filled(Told, SimpleNamespace(id=ORDER), {})
    order = Order()
    order.lines = [Bare()]  # type: ignore[list-item]
    with pytest.raises(TypeError, match="Part needs sku, which Bare does not have"):
        filled(Told, order, {})
