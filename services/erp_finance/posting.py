"""Which accounts a business fact moves: pure rules from amounts to balanced journal lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from erp_finance.invoicing import revenue_account
from shared.commerce.taxes import Tax
from shared.kernel.money import LARGEST, ZERO

CUSTOMERS, VAT_COLLECTED, BANK, CASH = "411", "44571", "512", "53"
MERCHANDISE, STOCK_CHANGE = "37", "6037"
OWNED = frozenset({"internal", "transit"})
"""Usages of locations whose content is ours and therefore on the balance sheet."""


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry: exactly one of debit and credit is positive."""

    account: str
    label: str
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    partner_id: UUID | None = None
    due_on: date | None = None
    tax_code: str | None = None

    def mirrored(self) -> "Line":
        """The same line on the other side."""
        return replace(self, debit=self.credit, credit=self.debit, due_on=None)


class Billed(Protocol):
    """A line of an invoice."""

    net: Decimal
    tax_code: str
    kind: str


class Moved(Protocol):
    """A stock move and its value at cost."""

    @property
    def from_usage(self) -> str: ...
    @property
    def to_usage(self) -> str: ...
    @property
    def value(self) -> Decimal: ...


def problem(lines: Sequence[Line]) -> str | None:
    """Why lines are not a journal entry (a code), or None when they are: two lines, one-sided, balanced, not too large."""
    if len(lines) < 2:
        return "too_short"
    if any((line.debit > 0) == (line.credit > 0) or min(line.debit, line.credit) < 0 for line in lines):
        return "not_one_sided"
    if sum((line.debit - line.credit for line in lines), ZERO) != 0:
        return "unbalanced"
    return "out_of_range" if sum((line.debit for line in lines), ZERO) >= LARGEST else None


def sale(
    billed: Iterable[Billed], taxes: Iterable[Tax], partner_id: UUID, due_on: date | None, label: str
) -> list[Line]:
    """An invoice: customers (gross) to revenue (net, by account and rate) and VAT collected (by rate)."""
    credits = _revenue(billed, label)
    credits += [Line(VAT_COLLECTED, label, credit=tax.amount, tax_code=tax.tax_code) for tax in taxes if tax.amount > 0]
    gross = sum((line.credit for line in credits), ZERO)
    if gross == 0:
        return []
    return [Line(CUSTOMERS, label, debit=gross, partner_id=partner_id, due_on=due_on), *credits]


def _revenue(billed: Iterable[Billed], label: str) -> list[Line]:
    nets: dict[tuple[str, str], Decimal] = {}
    for line in billed:
        key = (revenue_account(line.kind), line.tax_code)
        nets[key] = nets.get(key, ZERO) + line.net
    return [Line(account, label, credit=net, tax_code=code) for (account, code), net in sorted(nets.items()) if net > 0]


def correction(billed: Iterable[Billed], taxes: Iterable[Tax], partner_id: UUID, label: str) -> list[Line]:
    """A credit note: the lines of the invoice that it corrects, on the other side."""
    return mirror(sale(billed, taxes, partner_id, None, label))


def payment(amount: Decimal, method: str, direction: str, partner_id: UUID, label: str) -> list[Line]:
    """Money in: bank (or cash) to customers. Money out to a customer is the mirror image."""
    treasury = CASH if method == "cash" else BANK
    received = [
        Line(treasury, label, debit=amount),
        Line(CUSTOMERS, label, credit=amount, partner_id=partner_id),
    ]
    return received if direction == "in" else mirror(received)


def stock(moves: Sequence[Moved], label: str) -> list[Line]:
    """Perpetual inventory: what enters our locations debits 37, what leaves them credits it, against 6037.

    Moves between two of our own locations, or between two outside ones, change no value.
    """
    entered = sum((m.value for m in moves if m.to_usage in OWNED and m.from_usage not in OWNED), ZERO)
    left = sum((m.value for m in moves if m.from_usage in OWNED and m.to_usage not in OWNED), ZERO)
    lines = []
    if entered > 0:
        lines += [Line(MERCHANDISE, label, debit=entered), Line(STOCK_CHANGE, label, credit=entered)]
    if left > 0:
        lines += [Line(STOCK_CHANGE, label, debit=left), Line(MERCHANDISE, label, credit=left)]
    return lines


def mirror(lines: Iterable[Line]) -> list[Line]:
    """All lines on the other side: what a reversal posts."""
    return [line.mirrored() for line in lines]
