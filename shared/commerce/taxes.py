"""Tax per rate and document, and the totals of a document.

Tax is the rounded product of a rate and the whole base of that rate, never summed over lines (EN 16931, BR-CO-17). The tax
of a part of a document (`parts.py`) may differ by a cent from base × rate, so that the parts add up to the whole; the
validation rule of EN 16931 for BR-CO-17 tolerates a difference of less than one unit of the currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Protocol

from shared.commerce.parts import share
from shared.kernel.money import DIGITS, ZERO, round_money, total


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


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a document; gross_total = net_total + tax_total."""

    net_total: Decimal
    tax_total: Decimal
    gross_total: Decimal
    taxes: list[Tax]


def totals(lines: Iterable[Taxed], currency: str = "EUR", before: Iterable[Tax] = (), of: Iterable[Tax] = ()) -> Totals:
    """Net, tax and gross of a document or, with `before` and `of` as in `taxes_of`, of a part. Raises OutOfRange."""
    taxes = taxes_of(lines, currency, before, of)
    net_total, tax_total = total(tax.base for tax in taxes), total(tax.amount for tax in taxes)
    return Totals(net_total, tax_total, total((net_total, tax_total)), taxes)


def tax_on(base: Decimal, rate_percent: Decimal, currency: str = "EUR") -> Decimal:
    """Tax of one rate on the whole base of a document. Raises OutOfRange."""
    with localcontext(prec=DIGITS):
        return round_money(base * rate_percent / 100, currency)


def taxes_of(
    lines: Iterable[Taxed], currency: str = "EUR", before: Iterable[Tax] = (), of: Iterable[Tax] = ()
) -> list[Tax]:
    """Tax per rate, highest rate first.

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
    if whole:
        return Tax(code, rate, base, share(whole.amount, whole.base, before, taken, base, currency))
    return Tax(code, rate, base, tax_on(before + base, rate, currency) - taken)


def _bases(lines: Iterable[Taxed]) -> list[tuple[tuple[Decimal, str], Decimal]]:
    bases: dict[tuple[Decimal, str], Decimal] = {}
    for line in lines:
        key = (line.tax_rate, line.tax_code)
        bases[key] = bases.get(key, ZERO) + line.net
    return sorted(bases.items(), key=lambda item: _highest_first(item[0]))


def _highest_first(key: tuple[Decimal, str]) -> tuple[Decimal, str]:
    return -key[0], key[1]
