"""Fiscal years and their periods: how a year falls into months."""

from calendar import monthrange
from datetime import date, timedelta

from shared.kernel.fiscal_years import Span

LONGEST_MONTHS = 24
"""A first year may be longer than twelve months, but not than this (Code de commerce L123-12 and practice)."""


def months_of(year: Span) -> list[Span]:
    """The periods of a fiscal year: calendar months, cut at the bounds of the year."""
    periods, begins = [], year.starts_on
    while begins <= year.ends_on:
        last_of_month = date(begins.year, begins.month, monthrange(begins.year, begins.month)[1])
        ends = min(last_of_month, year.ends_on)
        periods.append(Span(f"{begins:%Y-%m}", begins, ends))
        begins = ends + timedelta(days=1)
    return periods
