"""A flow for every service that dates documents: it keeps copies of companies, fiscal years and locked periods."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import subscribe
from shared.storage.closed_periods import forget_calendar

_KEEP_COMPANY = text(
    "INSERT INTO company (id, name, currency, time_zone, fiscal_year_start)"
    " VALUES (:company_id, :name, :currency, :time_zone, :fiscal_year_start) ON CONFLICT (id) DO UPDATE SET"
    " name = excluded.name, time_zone = excluded.time_zone, fiscal_year_start = excluded.fiscal_year_start"
)
_OPEN = text(
    "INSERT INTO fiscal_year (id, company_id, starts_on, ends_on)"
    " VALUES (:fiscal_year_id, :company_id, :starts_on, :ends_on) ON CONFLICT (id) DO NOTHING"
)
_LOCK = text(
    "INSERT INTO locked_period (id, company_id, code, starts_on, ends_on, final)"
    " VALUES (:period_id, :company_id, :code, :starts_on, :ends_on, :final)"
    " ON CONFLICT (id) DO UPDATE SET final = excluded.final"
)
_UNLOCK = text("DELETE FROM locked_period WHERE id = :period_id")


class CompanyCopies:
    """A company is added, changed; a fiscal year is opened; a period is locked, opened again."""

    @subscribe(finance.CompanyAdded, finance.CompanyChanged, order="latest")
    def copy_company(self, session: Session, events: list[finance.CompanyState]) -> None:
        for event in events:
            session.execute(
                _KEEP_COMPANY, _values(event, "company_id", "name", "currency", "time_zone", "fiscal_year_start")
            )
        forget_calendar(session)

    @subscribe(finance.FiscalYearOpened, order="latest")
    def copy_fiscal_year(self, session: Session, events: list[finance.FiscalYearOpened]) -> None:
        for event in events:
            session.execute(_OPEN, _values(event, "fiscal_year_id", "company_id", "starts_on", "ends_on"))
        forget_calendar(session)

    @subscribe(finance.PeriodLocked, finance.PeriodUnlocked, order="latest")
    def copy_period(self, session: Session, events: list[finance.PeriodLocked | finance.PeriodUnlocked]) -> None:
        for event in events:
            if isinstance(event, finance.PeriodLocked):
                session.execute(
                    _LOCK, _values(event, "period_id", "company_id", "code", "starts_on", "ends_on", "final")
                )
            else:
                session.execute(_UNLOCK, {"period_id": event.period_id})
        forget_calendar(session)


def _values(event: object, *names: str) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names}
