"""Money: exact, rounded once, bounded."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.commerce.lines import line_net
from shared.commerce.taxes import tax_on
from shared.kernel.money import (
    LARGEST,
    MINOR_UNITS,
    OutOfRange,
    computed_at,
    round_money,
    total,
)
from shared.wire.fields import plain

CENTS = st.integers(-(10**12), 10**12).map(lambda n: Decimal(n).scaleb(-2))
EXACT = st.decimals("-1e9", "1e9", places=6, allow_nan=False)


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


def test_a_yen_has_no_cents() -> None:
    assert round_money(Decimal("99.5"), "JPY") == 100


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
