"""D8: what events tell of changes and amounts is written as the API writes it."""

import dataclasses
import typing
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from shared import contracts
from shared.kernel.ids import new_id
from shared.schema.contract import Amount, Event
from shared.storage.changes import recorded
from shared.wire import fields
from shared.wire.fields import Schema

EVENTS = list(contracts.events().values())
COUNTS = {"quantity", "reserved", "discount_percent", "tax_rate"}
"""Numbers of events that are no amounts: the API shows them without needless zeros, too."""


class Line(Schema):
    price = fields.Price()


class View(Schema):
    """As a response: what stands beside the facts is not told as a change."""

    id = fields.Uuid()
    name = fields.Text()
    total = fields.Amount(allow_none=True)
    quantity = fields.Quantity()
    tags = fields.Many(fields.Text())
    lines = fields.Many(fields.Part(Line))
    version = fields.Whole()


def test_changes_are_old_and_new_as_the_api_shows_them() -> None:
    thing = SimpleNamespace(
        id=new_id(), name="Lamp", total=None, quantity=Decimal("1.50"), tags=["a"], lines=[], version=1
    )
    changes = recorded(View, thing)
    assert changes() == {}
    thing.version, thing.total, thing.quantity = 2, Decimal(10), Decimal(2)
    thing.tags.append("b")
    thing.lines = [SimpleNamespace(price=Decimal("9.5"))]
    assert changes() == {
        "total": [None, "10.00"],
        "quantity": ["1.5", "2"],
        "tags": [["a"], ["a", "b"]],
        "lines": [[], [{"price": "9.50"}]],
    }


def _decimals(cls: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every decimal of an event and of what it holds, with its declared type."""
    found = []
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        inner = [hint, *typing.get_args(hint)]
        if name in {f.name for f in dataclasses.fields(cls)}:
            if Decimal in inner or Amount in inner:
                found.append((f"{path}{name}", hint))
            for part in (one for one in inner if dataclasses.is_dataclass(one)):
                found += _decimals(part, f"{path}{name}.")
    return found


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.full_type)
def test_every_amount_of_an_event_is_declared_as_one(event: type[Event]) -> None:
    for name, hint in _decimals(event):
        is_count = name.rpartition(".")[2] in COUNTS or event.service == "toy"
        assert (Amount in (hint, *typing.get_args(hint))) != is_count, name


def test_amounts_have_two_decimals_at_least_and_no_more_than_they_need() -> None:
    sales = contracts.events()["liaison.crm_sales.order.completed.v1"]
    told = {"order_id": new_id(), "number": "SO-1", "customer_id": new_id(), "currency": "EUR"}
    for given, written in {"10": "10.00", "10.5": "10.50", "10.500": "10.50", "0": "0.00", "1E+2": "100.00"}.items():
        assert sales(**told, gross_total=Decimal(given)).to_data()["gross_total"] == written
