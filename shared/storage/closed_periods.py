"""Whether a document may bear a day: not one to come, none outside the fiscal years, none that finance has locked.

`erp_finance` opens years, locks periods and tells so by events; services that date documents keep copies of both
(`company_copies.py`, `dated_tables.py`). A service joins with the flow CompanyCopies, and with one line
`obey_period_locks` of a migration for each table whose rows bear an accounting day: the database itself then refuses
what is dated in a period that is locked for good, from the moment the copy knows of it. A document that was quicker
than that is posted by the ledger on the first open day; so is one of a softly locked period, unless its event says that
its author may write there (`passes_soft_locks`).
"""

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from shared.kernel.business_days import FRESH_SECONDS, business_day, forget_zones, remember_zones
from shared.kernel.context import current
from shared.kernel.fiscal_years import FIRST_DAY, opening
from shared.kernel.refusals import Conflict, Forbidden, Invalid

LOCK_PERMISSION = "finance.periods:lock"
"""Who holds it still writes into a softly locked period."""

CONSTRAINT = "period_locked"
"""The name under which the database itself refuses a row that is dated in a locked period."""

_READ = text(
    "SELECT c.id, c.time_zone, c.fiscal_year_start, s.company_id, s.code, s.starts_on, s.ends_on, s.final FROM company c"
    " FULL JOIN (SELECT company_id, NULL AS code, starts_on, ends_on, NULL AS final FROM fiscal_year UNION ALL"
    " SELECT company_id, code, starts_on, ends_on, final FROM locked_period) AS s ON s.company_id = c.id"
)
"""Spans with a code are locked periods, the others fiscal years."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A locked period of a company."""

    company_id: UUID
    code: str
    starts_on: date
    ends_on: date
    final: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """What finance has published: how the fiscal years of companies begin, which are open, and which periods are locked."""

    starts: dict[UUID, str]
    years: dict[UUID, list[tuple[date, date]]]
    closed: list[Closed]

    def has_year(self, company_id: UUID, day: date, today: date) -> bool:
        """Whether a fiscal year of the company holds the day, or would be opened by it."""
        known = self.years.get(company_id, [])
        is_known = any(starts_on <= day <= ends_on for starts_on, ends_on in known)
        return is_known or opening(day, today, self.starts.get(company_id, FIRST_DAY), known) is not None


_known: WeakKeyDictionary[Engine, tuple[float, Calendar]] = WeakKeyDictionary()
"""Believed for as long as the zones are: a soft lock that another process copied is obeyed so much later."""


class NoPeriod(Conflict):
    """No fiscal year holds the date. Details: date."""

    code = "no_period"
    en = "No fiscal year holds {date}; open one first."
    fr = "Aucun exercice ne comprend le {date} ; ouvrez-en un d'abord."


class PeriodLocked(Conflict):
    """The period is locked for good. Details: period."""

    code = "period_locked"
    en = "The period {period} is locked for good; use a later date."
    fr = "La période {period} est définitivement clôturée ; utilisez une date ultérieure."


class PeriodSoftLocked(Forbidden):
    """The period is softly locked and the caller may not write into it. Details: period."""

    code = "period_soft_locked"
    en = "The period {period} is provisionally closed; only those who may lock periods still write into it."
    fr = "La période {period} est clôturée provisoirement ; seules les personnes habilitées y écrivent encore."


def document_day(session: Session, company_id: UUID, asked: date | None = None) -> date:
    """The day of a new document: the one asked for, or else the present day of the company.

    Raises Invalid at /date, NoPeriod, PeriodLocked, PeriodSoftLocked.
    """
    calendar = _calendar(session)
    today = business_day(session, company_id)
    day = asked or today
    if day > today:
        raise Invalid.at("/date", "in_the_future")
    if not calendar.has_year(company_id, day, today):
        raise NoPeriod(date=day)
    for period in calendar.closed:
        if period.company_id == company_id and period.starts_on <= day <= period.ends_on:
            _refuse(session, period)
    return day


def passes_soft_locks(session: Session) -> bool:
    """Whether the caller writes into softly locked periods; events of documents say so to the ledger."""
    return current(session).may(LOCK_PERMISSION)


def forget_calendar(session: Session) -> None:
    """Zones, years or locks change in this transaction."""
    forget_zones(session)
    _known.pop(session.get_bind().engine, None)


def _refuse(session: Session, period: Closed) -> None:
    if period.final:
        raise PeriodLocked(period=period.code)
    if not passes_soft_locks(session):
        raise PeriodSoftLocked(period=period.code)


def _calendar(session: Session) -> Calendar:
    engine = session.get_bind().engine
    if engine not in _known or time.monotonic() > _known[engine][0]:
        _known[engine] = (time.monotonic() + FRESH_SECONDS, _read(session))
    return _known[engine][1]


def _read(session: Session) -> Calendar:
    rows = session.execute(_READ).all()
    remember_zones(session, {row.id: row.time_zone for row in rows if row.id})
    years: defaultdict[UUID, list[tuple[date, date]]] = defaultdict(list)
    for row in rows:
        if row.company_id and row.code is None:
            years[row.company_id].append((row.starts_on, row.ends_on))
    closed = [Closed(r.company_id, r.code, r.starts_on, r.ends_on, r.final) for r in rows if r.code]
    return Calendar({row.id: row.fiscal_year_start for row in rows if row.id}, dict(years), closed)
