"""Parts that add up to their whole to the cent: invoices to their order, credit notes to their invoice.

A part is not rounded by itself. It is the rounded share of everything up to and with it, less what went before: so any
sequence of parts, in any order, ends at the whole.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from shared.kernel.money import DIGITS, MINOR_UNITS, ZERO, round_money


def share(whole: Decimal, of: Decimal, before: Decimal, taken: Decimal, now: Decimal, currency: str = "EUR") -> Decimal:
    """The part of `whole` that belongs to `now` out of `of`, after `before` was given `taken`."""
    with localcontext(prec=DIGITS):
        return (round_money(whole * (before + now) / of, currency) if of else whole) - taken


def allocate(amount: Decimal, weights: Sequence[Decimal], currency: str = "EUR") -> list[Decimal]:
    """Split an amount in proportion to weights without losing a cent (largest remainder; ties to the first).

    Raises ValueError when there are no weights or their sum is zero.
    """
    total = sum(weights, ZERO)
    if not weights or total == 0:
        raise ValueError("nothing to allocate to")
    unit = Decimal(1).scaleb(-MINOR_UNITS[currency])
    exact = [amount * weight / total for weight in weights]
    parts = [part - part % unit for part in exact]
    missing = int((amount - sum(parts, ZERO)) / unit)
    by_remainder = sorted(range(len(parts)), key=lambda i: -abs(exact[i] - parts[i]))
    for i in by_remainder[: abs(missing)]:
        parts[i] += unit if missing > 0 else -unit
    return parts
