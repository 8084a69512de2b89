"""Parts that add up to their whole to the cent: invoices to their order, credit notes to their invoice.

A part is not rounded by itself. It is the rounded share of everything up to and with it, less what went before: so any
sequence of parts, in any order, ends at the whole. The tax of a part may therefore differ by a cent from base × rate;
the validation rule of EN 16931 for BR-CO-17 tolerates a difference of less than one unit of the currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Protocol

from shared.kernel.money import DIGITS, ZERO, round_money


class Taxed(Protocol):
    """Anything with an amount before tax and a rate."""

    @property
    def net(self) -> Decimal: ...
    @property
    def tax_code(self) -> str: ...
    @property
    def tax_rate(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one rate on a document. `rate` is in percent."""

    tax_code: str
    rate: Decimal
    base: Decimal
    amount: Decimal

    @property
    def key(self) -> tuple[Decimal, str]:
        return self.rate, self.tax_code


def share(whole: Decimal, of: Decimal, before: Decimal, taken: Decimal, now: Decimal, currency: str = "EUR") -> Decimal:
    """The part of `whole` that belongs to `now` out of `of`, after `before` was given `taken`."""
    with localcontext(prec=DIGITS):
        return (round_money(whole * (before + now) / of, currency) if of else whole) - taken


def taxes_of(
    lines: Iterable[Taxed], currency: str = "EUR", before: Iterable[Tax] = (), of: Iterable[Tax] = ()
) -> list[Tax]:
    """Tax per rate, highest rate first, on the whole base of the rate, never summed over lines (EN 16931, BR-CO-17).

    `before`: the taxes of earlier parts of the same document. `of`: the taxes of the document that the lines take back
    in part; without it, the whole is what the rate says.
    """
    earlier, wholes = {tax.key: tax for tax in before}, {tax.key: tax for tax in of}
    return [_tax(*key, base, earlier.get(key), wholes.get(key), currency) for key, base in _bases(lines)]


def added(taxes: Iterable[Tax], more: Iterable[Tax], sign: int = 1) -> list[Tax]:
    """The sums per rate of two breakdowns; with `sign` -1 their difference."""
    sums = {tax.key: tax for tax in taxes}
    for tax in more:
        known = sums.get(tax.key, Tax(tax.tax_code, tax.rate, ZERO, ZERO))
        base, amount = known.base + sign * tax.base, known.amount + sign * tax.amount
        sums[tax.key] = Tax(tax.tax_code, tax.rate, base, amount)
    return sorted(sums.values(), key=lambda tax: _highest_first(tax.key))


def _tax(rate: Decimal, code: str, base: Decimal, earlier: Tax | None, whole: Tax | None, currency: str) -> Tax:
    before, taken = (earlier.base, earlier.amount) if earlier else (ZERO, ZERO)
    amount, of = (whole.amount, whole.base) if whole else (rate, Decimal(100))
    return Tax(code, rate, base, share(amount, of, before, taken, base, currency))


def _bases(lines: Iterable[Taxed]) -> list[tuple[tuple[Decimal, str], Decimal]]:
    bases: dict[tuple[Decimal, str], Decimal] = {}
    for line in lines:
        key = (line.tax_rate, line.tax_code)
        bases[key] = bases.get(key, ZERO) + line.net
    return sorted(bases.items(), key=lambda item: _highest_first(item[0]))


def _highest_first(key: tuple[Decimal, str]) -> tuple[Decimal, str]:
    return -key[0], key[1]
