"""At which price lines are sold: list price or agreed price. Pure functions; what follows is `shared/commerce`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from shared.commerce.lines import line_net
from shared.commerce.taxes import totals
from shared.kernel.ids import new_id
from shared.kernel.money import computed_at
from shared.kernel.refusals import Invalid

LIST_CURRENCY = "EUR"
"""List prices of products are in the company's currency; in another one the price is always agreed."""


class Item(Protocol):
    """What pricing needs to know of a product."""

    name: str
    kind: str
    unit: str
    sale_price: Decimal | None
    tax_code: str
    active: bool


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line ready to be stored on a quote or an order: what was asked, with its price."""

    id: UUID
    product_id: UUID
    kind: str
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount_percent: Decimal
    tax_code: str
    tax_rate: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True)
class PriceBook:
    """What prices depend on: known products, the tax rates of the day, the currency, the caller's right."""

    items: Mapping[UUID, Item]
    rates: Mapping[str, Decimal]
    currency: str
    may_override: bool


def price(requests: Sequence[dict[str, Any]], book: PriceBook) -> list[PricedLine]:
    """The requested lines, priced. Raises Invalid with a pointer for everything that is wrong."""
    errors: list[dict[str, Any]] = []
    for i, request in enumerate(requests):
        errors += [{"pointer": f"/lines/{i}/{name}", "code": code} for name, code in _problems(request, book)]
    if errors:
        raise Invalid(errors)
    lines = [_priced(request, book, f"/lines/{i}") for i, request in enumerate(requests)]
    with computed_at("/lines"):
        totals(lines, book.currency)
    return lines


def _problems(request: dict[str, Any], book: PriceBook) -> list[tuple[str, str]]:
    """(member, code) of what is wrong with one line."""
    item = book.items.get(request["product_id"])
    if item is None:
        return [("product_id", "not_found")]
    if not item.active:
        return [("product_id", "not_sellable")]
    problems = []
    if request.get("unit", item.unit) != item.unit:
        problems.append(("unit", "invalid_unit"))
    if request.get("tax_code", item.tax_code) not in book.rates:
        problems.append(("tax_code", "not_found"))
    return problems + _price_problems(request, _list_price(item, book), book.may_override)


def _price_problems(request: dict[str, Any], list_price: Decimal | None, may_override: bool) -> list[tuple[str, str]]:
    agreed = request.get("unit_price")
    if agreed is None:
        return [("unit_price", "price_required")] if list_price is None else []
    return [] if may_override or agreed == list_price else [("unit_price", "price_override_forbidden")]


def _list_price(item: Item, book: PriceBook) -> Decimal | None:
    return item.sale_price if book.currency == LIST_CURRENCY else None


def _priced(request: dict[str, Any], book: PriceBook, pointer: str) -> PricedLine:
    item = book.items[request["product_id"]]
    agreed, listed = request.get("unit_price"), _list_price(item, book)
    unit_price = agreed if agreed is not None else listed
    assert unit_price is not None  # `_problems` refused it otherwise
    tax_code = request.get("tax_code", item.tax_code)
    with computed_at(pointer):
        net = line_net(request["quantity"], unit_price, request["discount_percent"], book.currency)
    computed = {
        "kind": item.kind, "unit": item.unit, "unit_price": unit_price, "tax_code": tax_code,
        "tax_rate": book.rates[tax_code], "net": net,
    }  # fmt: skip
    return PricedLine(**{"id": new_id(), "description": item.name, **request, **computed})
