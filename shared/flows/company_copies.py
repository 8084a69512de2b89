"""A flow for every service that dates documents: it keeps copies of companies, fiscal years and locked periods."""

from sqlalchemy import Boolean, Column, Date, MetaData, Table, Text, Uuid
from sqlalchemy.orm import Session

from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import subscribe
from shared.storage.closed_periods import forget_calendar
from shared.storage.copies import drop, put, rows_of

_ALL = MetaData()
_COMPANY = Table(
    "company", _ALL,
    Column("id", Uuid, primary_key=True), Column("name", Text), Column("currency", Text), Column("time_zone", Text),
    Column("fiscal_year_start", Text),
)  # fmt: skip
_YEAR = Table(
    "fiscal_year", _ALL,
    Column("id", Uuid, primary_key=True), Column("company_id", Uuid), Column("starts_on", Date), Column("ends_on", Date),
)  # fmt: skip
_PERIOD = Table(
    "locked_period", _ALL,
    Column("id", Uuid, primary_key=True), Column("company_id", Uuid), Column("code", Text), Column("starts_on", Date),
    Column("ends_on", Date), Column("final", Boolean),
)  # fmt: skip


class CompanyCopies:
    """A company is added, changed; a fiscal year is opened; a period is locked, opened again."""

    @subscribe(finance.CompanyAdded, finance.CompanyChanged, order="latest")
    def copy_company(self, session: Session, events: list[finance.CompanyState]) -> None:
        put(session, _COMPANY, rows_of(_COMPANY, events), "name", "time_zone", "fiscal_year_start")
        forget_calendar(session)

    @subscribe(finance.FiscalYearOpened, order="latest")
    def copy_fiscal_year(self, session: Session, events: list[finance.FiscalYearOpened]) -> None:
        put(session, _YEAR, rows_of(_YEAR, events))
        forget_calendar(session)

    @subscribe(finance.PeriodLocked, finance.PeriodUnlocked, order="latest")
    def copy_period(self, session: Session, events: list[finance.PeriodLocked | finance.PeriodUnlocked]) -> None:
        locked = [event for event in events if isinstance(event, finance.PeriodLocked)]
        put(session, _PERIOD, rows_of(_PERIOD, locked), "final")
        drop(session, _PERIOD, (event.period_id for event in events if isinstance(event, finance.PeriodUnlocked)))
        forget_calendar(session)
