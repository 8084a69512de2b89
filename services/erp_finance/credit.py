"""How much a customer owes us and has on order, and whether that is too much."""

from dataclasses import dataclass
from decimal import Decimal

from shared.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class Exposure:
    """open_orders: approved and not yet invoiced, tax included. receivable: unpaid invoices. unallocated: money of
    the customer that settles nothing yet."""

    open_orders: Decimal = ZERO
    receivable: Decimal = ZERO
    unallocated: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.open_orders + self.receivable - self.unallocated

    def headroom(self, limit: Decimal | None) -> Decimal | None:
        """What may still be ordered; negative when the limit is exceeded, None without a limit."""
        return None if limit is None else limit - self.total

    def allows(self, amount: Decimal, limit: Decimal | None) -> bool:
        """Whether an order of this amount stays within the limit; the limit itself still passes."""
        return limit is None or self.total + amount <= limit


def still_open(gross_total: Decimal, invoiced_gross: Decimal, complete: bool) -> Decimal:
    """The part of an order that still counts as an open order. Rounding of partial invoices never makes it negative."""
    return ZERO if complete else max(ZERO, gross_total - invoiced_gross)
