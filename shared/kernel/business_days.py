"""Which day it is for a company: the one place where an instant becomes a date.

Accounting days, the years of document numbers and due dates are those of the company's time zone. On 1 January at 00:30
in Paris it is still the old year in UTC, and an order of that moment belongs to the new one. `erp_finance` owns the
companies; every other service that dates documents keeps a copy of them (`company_copies.py`), in a table of the same
name.
"""

import time
from datetime import date, datetime
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from shared.kernel import clock
from shared.kernel.time_zones import DEFAULT_ZONE, day_at

FRESH_SECONDS = 5.0
"""For so long a process believes that it knows the zones; they change once in the life of a company, if ever."""

_READ = text("SELECT id, time_zone FROM company")

_known: WeakKeyDictionary[Engine, tuple[float, dict[UUID, str]]] = WeakKeyDictionary()


def business_day(session: Session, company_id: UUID, at: datetime | None = None) -> date:
    """The day of a company at an instant; now, if none is given."""
    return day_at(at or clock.now(), _zones(session).get(company_id, DEFAULT_ZONE))


def business_days(session: Session) -> dict[UUID, date]:
    """The present day of every company."""
    return {company_id: day_at(clock.now(), zone) for company_id, zone in _zones(session).items()}


def forget_zones(session: Session) -> None:
    """A zone changes in this transaction."""
    _known.pop(session.get_bind().engine, None)


def remember_zones(session: Session, zones: dict[UUID, str]) -> None:
    """Somebody has just read them."""
    _known[session.get_bind().engine] = (time.monotonic() + FRESH_SECONDS, zones)


def _zones(session: Session) -> dict[UUID, str]:
    until, zones = _known.get(session.get_bind().engine, (0.0, {}))
    if time.monotonic() > until:
        zones = {row.id: row.time_zone for row in session.execute(_READ)}
        remember_zones(session, zones)
    return zones
