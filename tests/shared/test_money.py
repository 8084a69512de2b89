"""Money: exact, rounded once, split without losing a cent."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.kernel.money import (
    LARGEST,
    MINOR_UNITS,
    CurrencyMismatch,
    Money,
    OutOfRange,
    allocate,
    computed_at,
    line_net,
    round_money,
    round_to,
    tax_on,
    total,
)
from shared.wire.fields import plain

CENTS = st.integers(-(10**12), 10**12).map(lambda n: Decimal(n).scaleb(-2))
EXACT = st.decimals("-1e9", "1e9", places=6, allow_nan=False)
WEIGHTS = st.lists(st.decimals("0", "1e6", places=3, allow_nan=False), min_size=1, max_size=30)


@given(EXACT)
def test_rounding_is_half_away_from_zero(value: Decimal) -> None:
    cent = Decimal("0.01")
    assert round_money(value) == value.quantize(cent, ROUND_HALF_UP)
    assert round_money(-value) == -round_money(value)
    assert abs(round_money(value) - value) <= cent / 2


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.005", "0.01"), ("-0.005", "-0.01"), ("2.675", "2.68"), ("1.004999", "1.00"), ("0", "0.00")],
)
def test_ties_go_up_in_size(value: str, rounded: str) -> None:
    assert str(round_money(Decimal(value))) == rounded


@given(CENTS)
def test_what_is_round_stays(amount: Decimal) -> None:
    assert round_money(amount) == amount


@given(CENTS, WEIGHTS)
def test_parts_sum_to_the_whole_and_are_near_their_share(amount: Decimal, weights: list[Decimal]) -> None:
    total = sum(weights)
    assume(total > 0)
    parts = allocate(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - amount * weight / total) < Decimal("0.0101")
        assert part == round_to(part, 2)


@given(CENTS, WEIGHTS)
def test_nothing_goes_to_a_weight_of_nothing(amount: Decimal, weights: list[Decimal]) -> None:
    assume(sum(weights) > 0)
    parts = allocate(amount, [*weights, Decimal(0)])
    assert parts[-1] == 0


@given(CENTS, WEIGHTS)
def test_equal_weights_get_almost_equal_parts(amount: Decimal, weights: list[Decimal]) -> None:
    parts = allocate(amount, [Decimal(1)] * len(weights))
    assert max(parts) - min(parts) <= Decimal("0.01")


@pytest.mark.parametrize("weights", [[], [Decimal(0)], [Decimal(0), Decimal(0)]])
def test_nothing_to_allocate_to(weights: list[Decimal]) -> None:
    with pytest.raises(ValueError):
        allocate(Decimal(1), weights)


def test_a_yen_has_no_cents() -> None:
    assert allocate(Decimal(100), [Decimal(1)] * 3, "JPY") == [Decimal(34), Decimal(33), Decimal(33)]
    assert round_money(Decimal("99.5"), "JPY") == 100


@given(st.lists(CENTS, min_size=1, max_size=20), st.sampled_from(["20", "10", "5.5", "2.1"]))
def test_tax_of_a_document_is_rounded_once(bases: list[Decimal], rate: str) -> None:
    """EN 16931, BR-CO-17: never the sum of the rounded taxes of lines."""
    exact = sum(bases) * Decimal(rate) / 100
    assert abs(tax_on(sum(bases, Decimal(0)), Decimal(rate)) - exact) <= Decimal("0.005")


def test_currencies_do_not_mix() -> None:
    ten = Money(Decimal(10), "EUR")
    assert (ten + Money(Decimal("0.5"), "EUR") - ten, -ten, ten * 2) == (
        Money(Decimal("0.5"), "EUR"), Money(Decimal(-10), "EUR"), Money(Decimal(20), "EUR")
    )  # fmt: skip
    for mix in (lambda: ten + Money(Decimal(1), "USD"), lambda: ten < Money(Decimal(1), "CHF")):
        with pytest.raises(CurrencyMismatch):
            mix()


@given(st.decimals("-1e15", "1e15", places=9, allow_nan=False), st.integers(0, 6))
def test_a_number_is_written_exactly(number: Decimal, least: int) -> None:
    text = plain(number, least)
    assert Decimal(text) == number and "E" not in text and not text.startswith("-0.0 ")
    decimals = text.partition(".")[2]
    assert len(decimals) >= least and (len(decimals) == least or not decimals.endswith("0"))


def test_minor_units_are_known() -> None:
    assert MINOR_UNITS["EUR"] == 2 and all(len(code) == 3 for code in MINOR_UNITS)


HUGE = LARGEST - Decimal("0.000001")


@pytest.mark.parametrize(
    "compute",
    [
        lambda: line_net(HUGE, HUGE, Decimal(0)),
        lambda: round_money(LARGEST - Decimal("0.001")),
        lambda: -round_money(-LARGEST),
        lambda: total([HUGE, Decimal("0.000001")]),
        lambda: tax_on(LARGEST, Decimal(1)) + round_money(LARGEST),
        lambda: line_net(Decimal(10) ** 17, Decimal(10) ** 17, Decimal("0.0001")),
    ],
)
def test_nothing_computed_is_larger_than_what_may_be_given(compute: Callable[[], Decimal]) -> None:
    """C3: products, sums and roundings have the bound of every amount, and the refusal points to their member."""
    with pytest.raises(OutOfRange) as refused, computed_at("/lines/3"):
        compute()
    assert refused.value.errors == [{"pointer": "/lines/3", "code": "out_of_range"}]


def test_a_net_of_many_digits_is_rounded_once() -> None:
    """C3: the product has more than the 28 digits that decimals have by default."""
    quantity, price = Decimal("123456789.123457"), Decimal("0.000004")
    assert line_net(quantity, price, Decimal("50.0001")) == round_to(quantity * price * Decimal("0.499999"), 2)
    assert line_net(Decimal("999999.999999"), Decimal("999999.999999"), Decimal("0.0001")) == Decimal("999998999998.00")
