"""Open items by the days since they fell due."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from shared.kernel.money import ZERO

BUCKETS = ("not_due", "days_1_30", "days_31_60", "days_61_90", "over_90")


def bucket(due_on: date, as_of: date) -> str:
    """The age class of an item; an item due on the day itself is not overdue."""
    days = (as_of - due_on).days
    if days <= 0:
        return "not_due"
    return BUCKETS[min((days - 1) // 30 + 1, 4)]


@dataclass(slots=True)
class Ageing:
    """The sums of one customer, or of all."""

    sums: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(BUCKETS, ZERO))
    unallocated: Decimal = ZERO

    def add(self, due_on: date, as_of: date, residual: Decimal) -> None:
        """Count an open item."""
        self.sums[bucket(due_on, as_of)] += residual

    def merge(self, other: "Ageing") -> None:
        """Add the sums of another."""
        for name, amount in other.sums.items():
            self.sums[name] += amount
        self.unallocated += other.unallocated

    def figures(self) -> dict[str, Decimal]:
        """The columns of the report; balance = all classes less what is unallocated."""
        return {
            **self.sums,
            "unallocated": self.unallocated,
            "balance": sum(self.sums.values(), ZERO) - self.unallocated,
        }
