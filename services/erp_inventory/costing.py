"""Weighted average cost (AVCO, PCG art. 213-34) without ever storing a rounded average.

A level keeps quantity and value. What leaves takes its share of the remaining value, rounded half up; the last unit
takes what is left, so that no stock means no value and nothing is lost between receipts and issues.
"""

from decimal import Decimal, localcontext

from shared.commerce.lines import line_net
from shared.kernel.money import round_money

_DIGITS = 60
"""Enough for value × quantity ÷ quantity to be cut only far behind any half cent."""


def receipt_value(quantity: Decimal, unit_cost: Decimal) -> Decimal:
    """The value that a quantity brings in at a unit cost, in cents. Raises OutOfRange."""
    return line_net(quantity, unit_cost)


def issue_value(quantity: Decimal, on_hand: Decimal, value: Decimal) -> Decimal:
    """The value that a quantity takes out of `on_hand` pieces worth `value`.

    Raises ValueError when more leaves than there is: callers refuse that before.
    """
    if not 0 <= quantity <= on_hand:
        raise ValueError(f"{quantity} cannot leave {on_hand}")
    if quantity == on_hand:
        return value
    with localcontext(prec=_DIGITS):
        return round_money(value * quantity / on_hand)
