"""Fiscal years: which twelve months a day belongs to, and which of them are opened by themselves.

`erp_finance` opens them, and the services that date documents keep copies (`closed_periods.py`): both ask this module
whether a day can be posted at all.
"""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

FIRST_DAY = "01-01"
"""MM-DD on which the fiscal years of a company begin that has chosen nothing else."""


@dataclass(frozen=True, slots=True)
class Span:
    """From one day to another, both included. `code` names it: 2026, 2026-27, 2026-03."""

    code: str
    starts_on: date
    ends_on: date


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the last day of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def year_of(day: date, start: str) -> Span:
    """The twelve-month fiscal year that a day belongs to; `start` is MM-DD."""
    month, first = int(start[:2]), int(start[3:])
    begins = date(day.year, month, first)
    if begins > day:
        begins = date(day.year - 1, month, first)
    return span(begins, add_months(begins, 12) - timedelta(days=1))


def span(starts_on: date, ends_on: date) -> Span:
    """A fiscal year with its code: the calendar year, or both years that it touches."""
    code = str(starts_on.year) if starts_on.year == ends_on.year else f"{starts_on.year}-{ends_on.year % 100:02}"
    return Span(code, starts_on, ends_on)


def _is_near(day: date, today: date, start: str) -> bool:
    """Whether a day lies in the present fiscal year, the one before or the one after: those are opened by themselves."""
    present = year_of(today, start)
    return add_months(present.starts_on, -12) <= day <= add_months(present.ends_on, 12)


def opening(day: date, today: date, start: str, known: Iterable[tuple[date, date]]) -> Span | None:
    """The year that opens by itself when something bears this day: a near one that touches none of those known."""
    year = year_of(day, start)
    is_free = all(ends_on < year.starts_on or year.ends_on < starts_on for starts_on, ends_on in known)
    return year if is_free and _is_near(day, today, start) else None
