"""What a line costs: quantity × unit price, less its discount, before tax."""

from collections.abc import Iterable
from decimal import Decimal, localcontext

from shared.kernel.money import DIGITS, ZERO, round_money


def line_net(
    quantity: Decimal, unit_price: Decimal, discount_percent: Decimal = ZERO, currency: str = "EUR"
) -> Decimal:
    """What a line costs after discount, before tax: exact, then rounded once (EN 16931, BR-LIN). Raises OutOfRange."""
    with localcontext(prec=DIGITS):
        return round_money(quantity * unit_price * (100 - discount_percent) / 100, currency)


def single_discount(percents: Iterable[Decimal]) -> Decimal:
    """The one discount that equals a series of discounts, each taken off what the one before leaves; exact."""
    left = Decimal(100)
    with localcontext(prec=DIGITS):
        for percent in percents:
            left = left * (100 - percent) / 100
        return 100 - left
