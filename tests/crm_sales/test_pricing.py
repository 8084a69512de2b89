"""What lines cost: nets, tax per rate, totals; and who may agree on another price."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_sales.pricing import PriceBook, PricedLine, price
from shared.commerce.lines import line_net
from shared.commerce.parts import allocate
from shared.commerce.taxes import tax_on, totals
from shared.kernel.ids import new_id
from shared.kernel.money import MINOR_UNITS, round_money
from shared.kernel.refusals import Invalid

D = Decimal
RATES = {"S20": D(20), "S10": D(10), "S5.5": D("5.5"), "S2.1": D("2.1"), "S0": D(0)}


@dataclass
class Product:
    name: str = "Desk lamp"
    kind: str = "goods"
    unit: str = "piece"
    sale_price: Decimal | None = Decimal("49.90")
    tax_code: str = "S20"
    active: bool = True


LAMP, BOOK, ADVICE, RETIRED, UNPRICED = (new_id() for _ in range(5))
ITEMS = {
    LAMP: Product(),
    BOOK: Product("The history of light", sale_price=D("19.99"), tax_code="S5.5"),
    ADVICE: Product("Lighting advice", "service", "hour", D("80"), "S20"),
    RETIRED: Product("Gas lamp", active=False),
    UNPRICED: Product("Chandelier", sale_price=None),
}


def _price(*lines: dict[str, Any], currency: str = "EUR", may_override: bool = False) -> list[PricedLine]:
    requests = [{"quantity": D(1), "discount_percent": D(0), **line} for line in lines]
    return price(requests, PriceBook(ITEMS, RATES, currency, may_override))


def _refused(*lines: dict[str, Any], **book: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refusal:
        _price(*lines, **book)
    return [(error["pointer"], error["code"]) for error in refusal.value.errors]


def test_price_unit_text_and_tax_come_from_the_product() -> None:
    (line,) = _price({"product_id": LAMP, "quantity": D(3), "discount_percent": D(10)})
    assert (line.description, line.unit, line.unit_price, line.tax_rate) == ("Desk lamp", "piece", D("49.90"), D(20))
    assert line.net == D("134.73")


def test_a_document_with_two_rates() -> None:
    sums = totals(_price({"product_id": LAMP, "quantity": D(2)}, {"product_id": BOOK}), "EUR")
    assert [(t.tax_code, t.base, t.amount) for t in sums.taxes] == [
        ("S20", D("99.80"), D("19.96")),
        ("S5.5", D("19.99"), D("1.10")),
    ]
    assert (sums.net_total, sums.tax_total, sums.gross_total) == (D("119.79"), D("21.06"), D("140.85"))


def test_the_rate_is_applied_to_the_sum_not_to_each_line() -> None:
    """Three lines of 0.33 at 20 %: 0.99 × 0.2 = 0.198, not three times 0.07."""
    lines = _price(*[{"product_id": LAMP, "unit_price": D("0.33")}] * 3, may_override=True)
    assert totals(lines, "EUR").tax_total == D("0.20")


def test_another_price_needs_the_right_to_agree_on_it() -> None:
    cheaper = {"product_id": LAMP, "unit_price": D("40")}
    assert _refused(cheaper) == [("/lines/0/unit_price", "price_override_forbidden")]
    assert _price(cheaper, may_override=True)[0].unit_price == D("40")
    assert _price({"product_id": LAMP, "unit_price": D("49.900")})[0].unit_price == D("49.9")


def test_everything_wrong_is_named_at_once() -> None:
    assert _refused(
        {"product_id": new_id()},
        {"product_id": RETIRED},
        {"product_id": UNPRICED},
        {"product_id": LAMP, "unit": "hour", "tax_code": "P20"},
    ) == [
        ("/lines/0/product_id", "not_found"),
        ("/lines/1/product_id", "not_sellable"),
        ("/lines/2/unit_price", "price_required"),
        ("/lines/3/unit", "invalid_unit"),
        ("/lines/3/tax_code", "not_found"),
    ]


def test_list_prices_are_in_euros_only() -> None:
    assert _refused({"product_id": LAMP}, currency="USD") == [("/lines/0/unit_price", "price_required")]
    dear = {"product_id": LAMP, "unit_price": D("8000.6")}
    assert _price(dear, currency="JPY", may_override=True)[0].net == D("8001")


def test_what_no_contract_can_carry_is_refused() -> None:
    """C3: a line, the sum of the lines, and the sum with its tax."""
    huge = {"product_id": LAMP, "unit_price": D("999999999999"), "quantity": D(2)}
    assert _refused({"product_id": LAMP}, huge, may_override=True) == [("/lines/1", "out_of_range")]
    half = {"product_id": LAMP, "unit_price": D("500000000000"), "quantity": D(1), "tax_code": "S0"}
    assert _refused(half, half, may_override=True) == [("/lines", "out_of_range")]
    nearly = {"product_id": LAMP, "unit_price": D("900000000000"), "quantity": D(1)}
    assert _refused(nearly, may_override=True) == [("/lines", "out_of_range")]


quantities = st.decimals("0.001", "9999", places=3)
prices = st.decimals("0", "99999", places=4)
discounts = st.decimals("0", "100", places=2)
currencies = st.sampled_from(sorted(MINOR_UNITS))
lines_of = st.lists(st.tuples(quantities, prices, discounts, st.sampled_from(sorted(RATES))), min_size=1, max_size=12)


@given(quantities, prices, discounts, currencies)
def test_a_net_is_exact_to_half_a_minor_unit(quantity: D, unit_price: D, discount: D, currency: str) -> None:
    net = line_net(quantity, unit_price, discount, currency)
    exact = quantity * unit_price * (1 - discount / 100)
    assert net == round_money(net, currency) and net >= 0
    assert abs(net - exact) <= D(1).scaleb(-MINOR_UNITS[currency]) / 2


@given(lines_of, currencies)
def test_gross_is_net_plus_tax_and_tax_is_that_of_the_rates(rows: list[tuple[D, D, D, str]], currency: str) -> None:
    lines = [_line(*row, currency) for row in rows]
    sums = totals(lines, currency)
    assert sums.net_total == sum(line.net for line in lines)
    assert sums.gross_total == sums.net_total + sums.tax_total
    assert sums.tax_total == sum(tax_on(t.base, t.rate, currency) for t in sums.taxes)
    assert len({tax.tax_code for tax in sums.taxes}) == len(sums.taxes)


@given(lines_of)
def test_the_order_of_lines_does_not_matter(rows: list[tuple[D, D, D, str]]) -> None:
    lines = [_line(*row, "EUR") for row in rows]
    assert totals(lines, "EUR") == totals(lines[::-1], "EUR")


@given(st.lists(quantities, min_size=1, max_size=6), prices, discounts)
def test_shares_of_a_line_add_up_to_its_net(parts: list[D], unit_price: D, discount: D) -> None:
    net = line_net(sum(parts, D(0)), unit_price, discount, "EUR")
    assert sum(allocate(net, parts, "EUR")) == net


def _line(quantity: D, unit_price: D, discount: D, tax_code: str, currency: str) -> PricedLine:
    net = line_net(quantity, unit_price, discount, currency)
    ids: tuple[UUID, UUID] = (new_id(), LAMP)
    return PricedLine(*ids, "goods", "Lamp", quantity, "piece", unit_price, discount, tax_code, RATES[tax_code], net)
