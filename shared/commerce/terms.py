"""When a document is due: net days, the end of a month, a day of the month; at once or in instalments.

Usage reads "45 days end of month" in two ways, both lawful (Code de commerce, art. L441-10): the days run from the
document and payment falls on the last day of the month that they reach ("after"), or they run from the last day of the
document's month ("before"). A term says which.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from shared.commerce.parts import share
from shared.kernel.money import ZERO

LONGEST_DAYS = 60
"""The most net days that the law allows between invoice and payment (Code de commerce, art. L441-10)."""

NET_DAYS = {"immediate": 0, "net_10": 10, "net_15": 15, "net_30": 30, "net_45": 45, "net_60": LONGEST_DAYS}
"""Named terms of payment, each with its days from the date of the invoice."""

MONTH_ENDS = ("none", "before", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A part of what is due, in percent, and when: days, end of month, then the next such day of the month.

    `day_of_month` 31 is the last day of every month.
    """

    percent: Decimal = Decimal(100)
    days: int = 0
    end_of_month: str = "none"
    day_of_month: int | None = None

    def due_on(self, issued_on: date) -> date:
        """The day on which it is due, for a document of that date."""
        start = _month_end(issued_on) if self.end_of_month == "before" else issued_on
        reached = start + timedelta(days=self.days)
        if self.end_of_month == "after":
            reached = _month_end(reached)
        return _next(reached, self.day_of_month) if self.day_of_month else reached


@dataclass(frozen=True, slots=True)
class Instalment:
    """An amount and the day on which it is due."""

    due_on: date
    amount: Decimal


def due_on(issued_on: date, days: int) -> date:
    """The due date of a document that is payable in so many net days."""
    return Term(days=days).due_on(issued_on)


def instalments(gross: Decimal, issued_on: date, terms: Sequence[Term], currency: str = "EUR") -> list[Instalment]:
    """The instalments of an amount; they add up to it. Raises ValueError unless the percentages make a hundred."""
    if sum((term.percent for term in terms), ZERO) != 100:
        raise ValueError("the terms of payment are not a hundred percent")
    found, percent, taken = [], ZERO, ZERO
    for term in terms:
        amount = share(gross, Decimal(100), percent, taken, term.percent, currency)
        found.append(Instalment(term.due_on(issued_on), amount))
        percent, taken = percent + term.percent, taken + amount
    return found


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _next(day: date, day_of_month: int) -> date:
    """The first day from this one on that is so many in its month, or the last of a shorter one."""
    found = day.replace(day=min(day_of_month, monthrange(day.year, day.month)[1]))
    return found if found >= day else _next(_month_end(day) + timedelta(days=1), day_of_month)
