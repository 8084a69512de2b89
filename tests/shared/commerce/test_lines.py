"""What lines cost: exact, discounted, rounded once. Known answers: price and discount (PRC), quotes (QTE) and rounding (RND)."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.commerce.lines import line_net, single_discount
from shared.kernel.money import round_to

percents = st.decimals("0", "100", places=4)


@pytest.mark.parametrize(
    ("quantity", "unit_price", "discounts", "net"),
    [
        ("1", "100.00", ["20", "10"], "72.00"),  # PRC-01, comparevouchercodes.com: not 70
        ("1", "50.00", ["20", "10"], "36.00"),  # PRC-02
        ("1", "1000.00", ["10", "6", "4"], "812.16"),  # PRC-05, a discount series (reference.com)
        ("1", "199.99", ["7.5", "2.5"], "180.37"),  # PRC-06
        ("1", "1000.00", ["10", "5"], "855.00"),  # FIN-ESC-01: trade discount, then cash discount
        ("10", "9.99", ["5"], "94.91"),  # QTE-04
        ("1", "1.005", [], "1.01"),  # QTE-06: a binary float says 1.00
        ("-1", "1.005", [], "-1.01"),  # QTE-10: half away from zero, so that a credit cancels its invoice
        ("0.333", "29.90", [], "9.96"),  # QTE-09
        ("1", "0.125", [], "0.13"),  # FIN-RND-08
    ],
)
def test_lines_with_known_answers(quantity: str, unit_price: str, discounts: list[str], net: str) -> None:
    discount = single_discount(map(D, discounts))
    assert line_net(D(quantity), D(unit_price), discount) == D(net)


@given(st.lists(percents, max_size=5))
def test_the_order_of_a_series_of_discounts_does_not_matter(series: list[D]) -> None:
    """PRC-06: and the whole is between the largest of them and their sum."""
    single = single_discount(series)
    assert single == single_discount(series[::-1])
    assert max(series, default=D(0)) <= single <= min(sum(series, D(0)), D(100))


@given(st.decimals("-1e5", "1e5", places=3), st.decimals("0", "1e5", places=6), percents)
def test_a_credited_line_is_the_mirror_image_of_the_billed_one(quantity: D, unit_price: D, discount: D) -> None:
    assert line_net(-quantity, unit_price, discount) == -line_net(quantity, unit_price, discount)


def test_a_net_of_many_digits_is_rounded_once() -> None:
    """C3: the product has more than the 28 digits that decimals have by default."""
    quantity, price = D("123456789.123457"), D("0.000004")
    assert line_net(quantity, price, D("50.0001")) == round_to(quantity * price * D("0.499999"), 2)
    assert line_net(D("999999.999999"), D("999999.999999"), D("0.0001")) == D("999998999998.00")
