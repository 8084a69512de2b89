"""Fiscal years and their periods: which year a day belongs to, and how a year falls into months."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

LONGEST_MONTHS = 24
"""A first year may be longer than twelve months, but not than this (Code de commerce L123-12 and practice)."""


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


def is_near(day: date, today: date, start: str) -> bool:
    """Whether a day lies in the present fiscal year, the one before or the one after: those are opened by themselves."""
    present = year_of(today, start)
    return add_months(present.starts_on, -12) <= day <= add_months(present.ends_on, 12)


def months_of(year: Span) -> list[Span]:
    """The periods of a fiscal year: calendar months, cut at the bounds of the year."""
    periods, begins = [], year.starts_on
    while begins <= year.ends_on:
        last_of_month = date(begins.year, begins.month, monthrange(begins.year, begins.month)[1])
        ends = min(last_of_month, year.ends_on)
        periods.append(Span(f"{begins:%Y-%m}", begins, ends))
        begins = ends + timedelta(days=1)
    return periods


def is_start(start: str) -> bool:
    """Whether MM-DD names a day that every year has."""
    try:
        date.fromisoformat(f"2001-{start}")
    except ValueError:
        return False
    return True
