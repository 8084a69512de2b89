"""Fiscal years and their periods."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from shared.schema import Day, Flag, Group, Instant, Refers, Resource, State, Text, Verb
from shared.schema.contract import Data, Event


class FiscalYearOpened(Event, type="erp_finance.fiscal_year.opened", number=0x3F1, permission="finance.periods:read"):
    """A fiscal year was opened: documents may be dated in it, unless a period of it is locked."""

    fiscal_year_id: UUID
    company_id: UUID
    code: str
    starts_on: date
    ends_on: date


class PeriodState(Data):
    """The period that was closed or opened again."""

    period_id: UUID
    company_id: UUID
    code: str
    starts_on: date
    ends_on: date

    permission: ClassVar[str] = "finance.periods:read"


class PeriodLocked(PeriodState, Event, type="erp_finance.period.locked", number=0xC99):
    """A period was closed, softly or (`final`) for good: no service dates a document in it any more."""

    final: bool


class PeriodUnlocked(PeriodState, Event, type="erp_finance.period.unlocked", number=0x51E):
    """A softly locked period was opened again."""


class FiscalYear(
    Resource,
    path="/v1/fiscal-years",
    permission="finance.periods",
    label="code",
    operations=("create", "get", "list"),
    default_sort="-starts_on",
    unique=(("company_id", "starts_on"),),
    summaries={"create": "Open a fiscal year with its periods"},
):
    """A fiscal year; those of a company adjoin. At most 24 months (C. com. L123-12)."""

    company_id = Refers("companies", "Whose year it is.", create_only=True, optional=True)
    code = Text(20, "Part of the numbers of its journal entries.", computed=True, filter=True)
    starts_on = Day("Its first day.", required=True, filter=True, sort=True)
    ends_on = Day("Its last day; else twelve months later.", optional=True, filter=True)


class PeriodLock(Group):
    """How a period is locked."""

    final = Flag("Whether it is locked for good, else softly.", default=False)


class Period(
    Resource,
    path="/v1/periods",
    permission="finance.periods",
    label="code",
    operations=("get", "list"),
    default_sort="starts_on",
    unique=(("company_id", "ends_on"),),
):
    """A month of a fiscal year. Who may lock periods still posts in a softly locked one; nobody ever in a locked one."""

    company_id = Refers("companies", "Whose period it is.")
    fiscal_year_id = Refers("fiscal-years", "The fiscal year that it is part of.")
    code = Text(20, "Its month, YYYY-MM.", filter=True)
    starts_on = Day("Its first day.", filter=True, sort=True, index=True)
    ends_on = Day("Its last day.", filter=True)
    status = State(
        open="Open",
        soft_locked="Softly locked",
        locked="Locked",
        start="open",
        tones={"soft_locked": "warning", "locked": "success"},
    )
    locked_at = Instant("When it was locked.", null=True)

    lock = Verb(
        "Lock the period: softly, or for good",
        of=("open", "soft_locked"),
        request=PeriodLock,
        permission="finance.periods:lock",
    )
    unlock = Verb("Open the period again", of=("soft_locked",), permission="finance.periods:lock")
