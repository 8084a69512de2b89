"""VAT on a document: one amount per rate, computed on the whole base of that rate, never summed over lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from shared.money import ZERO, tax_on


class Taxed(Protocol):
    """Anything with an amount before tax and a rate."""

    net: Decimal
    tax_code: str
    tax_rate: Decimal


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one rate on a document. `rate` is in percent."""

    tax_code: str
    rate: Decimal
    base: Decimal
    amount: Decimal


def taxes_of(lines: Iterable[Taxed], currency: str = "EUR") -> list[Tax]:
    """Taxes by rate, highest rate first: amount = round(Σ net of the rate × rate) (EN 16931, BR-CO-17)."""
    bases: dict[tuple[Decimal, str], Decimal] = {}
    for line in lines:
        key = (line.tax_rate, line.tax_code)
        bases[key] = bases.get(key, ZERO) + line.net
    by_rate = sorted(bases.items(), key=lambda item: (-item[0][0], item[0][1]))
    return [Tax(code, rate, base, tax_on(base, rate, currency)) for (rate, code), base in by_rate]
