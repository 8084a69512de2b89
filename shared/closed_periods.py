"""Whether a document may bear a day: not one to come, and not one of a period that finance has locked.

`erp_finance` locks periods and tells so by events; services that date documents keep a copy of what is locked
(`company_copies.py`, `dated_tables.py`). A service joins with the flow CompanyCopies, and with one line
`obey_period_locks` of a migration for each table whose rows bear an accounting day: the database itself then refuses
what is dated in a period that is locked for good, from the moment the copy knows of it. A document that was quicker
than that is posted by the ledger on the first open day.
"""

import time
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from shared.business_days import FRESH_SECONDS, business_day, forget_zones, remember_zones
from shared.context import current
from shared.refusals import Conflict, Forbidden, Invalid

LOCK_PERMISSION = "finance.periods:lock"
"""Who holds it still writes into a softly locked period."""

CONSTRAINT = "period_locked"
"""The name under which the database itself refuses a row that is dated in a locked period."""

_READ = text(
    "SELECT c.id, c.time_zone, p.company_id, p.code, p.starts_on, p.ends_on, p.final"
    " FROM company c FULL JOIN locked_period p ON p.company_id = c.id"
)


@dataclass(frozen=True, slots=True)
class Closed:
    """A locked period of a company."""

    company_id: UUID
    code: str
    starts_on: date
    ends_on: date
    final: bool


_known: WeakKeyDictionary[Engine, tuple[float, list[Closed]]] = WeakKeyDictionary()
"""Believed for as long as the zones are: a soft lock that another process copied is obeyed so much later."""


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

    Raises Invalid at /date, PeriodLocked, PeriodSoftLocked.
    """
    closed = _closed(session)
    today = business_day(session, company_id)
    day = asked or today
    if day > today:
        raise Invalid.at("/date", "in_the_future")
    for period in closed:
        if period.company_id == company_id and period.starts_on <= day <= period.ends_on:
            _refuse(session, period)
    return day


def forget_calendar(session: Session) -> None:
    """Zones or locks change in this transaction."""
    forget_zones(session)
    _known.pop(session.get_bind().engine, None)


def _refuse(session: Session, period: Closed) -> None:
    if period.final:
        raise PeriodLocked(period=period.code)
    if not current(session).may(LOCK_PERMISSION):
        raise PeriodSoftLocked(period=period.code)


def _closed(session: Session) -> list[Closed]:
    engine = session.get_bind().engine
    until, closed = _known.get(engine, (0.0, []))
    if time.monotonic() > until:
        rows = session.execute(_READ).all()
        remember_zones(session, {row.id: row.time_zone for row in rows if row.id})
        closed = [Closed(r.company_id, r.code, r.starts_on, r.ends_on, r.final) for r in rows if r.company_id]
        _known[engine] = (time.monotonic() + FRESH_SECONDS, closed)
    return closed
