"""Amounts are exact decimals, rounded to the minor unit of their currency in this one module."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal

from shared.kernel.refusals import Invalid

MINOR_UNITS = {"EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "JPY": 0}
"""Decimals of each accepted currency (ISO 4217)."""

ZERO = Decimal(0)

LARGEST = Decimal(10) ** 12
"""Every amount, price and quantity is smaller than this in size, whether somebody gave it or it was computed: products
and sums of a document, levels and values of stock. It is what fields accept, what columns hold and what events carry."""

LARGEST_SUM = LARGEST * 10**6
"""What adds up over documents and cannot refuse a fact, such as all that a customer owes, has a million times as much
room; events carry it."""

DIGITS = 60
"""Enough for the exact product of two numbers of 18 digits and a percentage, so that it is rounded once."""


def round_to(value: Decimal, digits: int) -> Decimal:
    """Round half away from zero ("half up" in commerce) to a number of decimals."""
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


class OutOfRange(Invalid):
    """An amount or quantity that was computed from valid ones is larger than any may be."""

    code = "amount_too_large"
    en = "An amount or quantity that follows from this request would reach 1,000,000,000,000, which none may."
    fr = "Un montant ou une quantité découlant de cette demande atteindrait 1 000 000 000 000, ce qu'aucun ne peut."

    def __init__(self, pointer: str = "") -> None:
        super().__init__([{"pointer": pointer, "code": "out_of_range"}])


@contextmanager
def computed_at(pointer: str) -> Iterator[None]:
    """What is computed in this block follows from this member of the request: a refusal points there."""
    try:
        yield
    except OutOfRange:
        raise OutOfRange(pointer) from None


def bounded(value: Decimal) -> Decimal:
    """The value itself. Raises OutOfRange."""
    if abs(value) >= LARGEST:
        raise OutOfRange
    return value


def total(values: Iterable[Decimal]) -> Decimal:
    """The sum of a document. Raises OutOfRange."""
    return bounded(sum(values, ZERO))


def round_money(amount: Decimal, currency: str = "EUR") -> Decimal:
    """Round an amount to the minor unit of its currency. Raises OutOfRange."""
    return bounded(round_to(bounded(amount), MINOR_UNITS[currency]))
