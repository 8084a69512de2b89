"""A flow for every service that dates documents: it keeps copies of the companies and of the periods that are locked."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.closed_periods import forget_calendar
from shared.contracts import erp_finance as finance
from shared.entrypoints import subscribe

_KEEP_COMPANY = text(
    "INSERT INTO company (id, name, currency, time_zone) VALUES (:company_id, :name, :currency, :time_zone)"
    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone"
)
_LOCK = text(
    "INSERT INTO locked_period (id, company_id, code, starts_on, ends_on, final)"
    " VALUES (:period_id, :company_id, :code, :starts_on, :ends_on, :final)"
    " ON CONFLICT (id) DO UPDATE SET final = excluded.final"
)
_UNLOCK = text("DELETE FROM locked_period WHERE id = :period_id")


class CompanyCopies:
    """A company is added, changed; a period is locked, opened again."""

    @subscribe(finance.CompanyAdded, finance.CompanyChanged, order="latest")
    def copy_company(self, session: Session, events: list[finance.CompanyState]) -> None:
        for event in events:
            names = ("company_id", "name", "currency", "time_zone")
            session.execute(_KEEP_COMPANY, {name: getattr(event, name) for name in names})
        forget_calendar(session)

    @subscribe(finance.PeriodLocked, finance.PeriodUnlocked, order="latest")
    def copy_period(self, session: Session, events: list[finance.PeriodLocked | finance.PeriodUnlocked]) -> None:
        for event in events:
            if isinstance(event, finance.PeriodLocked):
                session.execute(_LOCK, _values(event))
            else:
                session.execute(_UNLOCK, {"period_id": event.period_id})
        forget_calendar(session)


def _values(event: finance.PeriodLocked) -> dict[str, Any]:
    names = ("period_id", "company_id", "code", "starts_on", "ends_on", "final")
    return {name: getattr(event, name) for name in names}
