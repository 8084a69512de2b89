"""An amount split in proportion to weights, without losing a cent."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.commerce.parts import allocate
from shared.kernel.money import round_to

CENTS = st.integers(-(10**12), 10**12).map(lambda n: Decimal(n).scaleb(-2))
WEIGHTS = st.lists(st.decimals("0", "1e6", places=3, allow_nan=False), min_size=1, max_size=30)


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


def test_the_tax_of_a_document_split_over_its_lines() -> None:
    """Two lines of 1.24 at 10 % (Dolibarr's wiki on rounding, FIN-RND-01): 0.25, the spare cent to the first."""
    assert allocate(Decimal("0.25"), [Decimal("1.24")] * 2) == [Decimal("0.13"), Decimal("0.12")]
