"""The legal entity and what its books are made of: accounts, journals, fiscal years, periods, tax codes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, false
from sqlalchemy.orm import Mapped, mapped_column

from erp_finance.models.base import Aggregate, Base
from shared.contracts import erp_finance as finance
from shared.kernel import clock
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.refusals import InvalidTransition
from shared.kernel.time_zones import DEFAULT_ZONE
from shared.schema.contract import Changes
from shared.storage.closed_periods import PeriodLocked


class Company(Aggregate, Base, of=finance.Company):
    """An own legal entity."""

    company_key: ClassVar[str] = "id"  # for shared/api/reaching.py

    name: Mapped[str]
    legal_form: Mapped[str | None]
    siren: Mapped[str | None]
    siret: Mapped[str | None]
    vat_number: Mapped[str | None]
    currency: Mapped[str] = mapped_column(default="EUR")
    address: Mapped[dict[str, Any]] = mapped_column(default=dict)
    share_capital: Mapped[Decimal | None]
    fiscal_year_start: Mapped[str] = mapped_column(default="01-01")
    payment_days: Mapped[int] = mapped_column(default=30)
    vat_on_debits: Mapped[bool] = mapped_column(default=False, server_default=false())
    time_zone: Mapped[str] = mapped_column(default=DEFAULT_ZONE, server_default=DEFAULT_ZONE)

    def created(self) -> finance.CompanyAdded:
        return finance.CompanyAdded.of(self)

    def updated(self, changes: Changes) -> finance.CompanyChanged:
        return finance.CompanyChanged.of(self, changes=changes)


class Account(Aggregate, Base, of=finance.Account):
    __table_args__ = (CheckConstraint("length(code) BETWEEN 2 AND 20", name="code"),)  # the chart has 37 and 53

    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), default=DEFAULT_COMPANY_ID)
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    type: Mapped[str]
    reconcilable: Mapped[bool] = mapped_column(default=False)
    blocked: Mapped[bool] = mapped_column(default=False)


class Journal(Aggregate, Base, of=finance.Journal):
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), default=DEFAULT_COMPANY_ID)
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    type: Mapped[str]


class FiscalYear(Aggregate, Base, of=finance.FiscalYear):
    """Years of one company adjoin and never overlap."""

    __table_args__ = (CheckConstraint("ends_on > starts_on", name="ends_on"),)

    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), default=DEFAULT_COMPANY_ID)
    code: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]

    def created(self) -> finance.FiscalYearOpened:
        return finance.FiscalYearOpened.of(self)


class Period(Aggregate, Base, of=finance.Period):
    """Only the soft lock opens again."""

    __table_args__ = (CheckConstraint("ends_on >= starts_on", name="ends_on"),)

    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), default=DEFAULT_COMPANY_ID)
    fiscal_year_id: Mapped[UUID] = mapped_column(ForeignKey("fiscal_year.id"))
    fiscal_year: Mapped[str]
    code: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    status: Mapped[str] = mapped_column(default="open")
    locked_at: Mapped[datetime | None]

    def lock(self, final: bool) -> finance.PeriodLocked:
        """Close the period, softly or for good; it waits for the postings that are on their way into it."""
        self.allow_lock()
        if not final and self.status == "soft_locked":
            raise InvalidTransition(state=self.status, allowed=["lock (final)", "unlock"])
        self.status, self.locked_at = "locked" if final else "soft_locked", clock.now()
        return finance.PeriodLocked.of(self, final=final)

    def unlock(self) -> finance.PeriodUnlocked:
        """Open a softly locked period again."""
        self.allow_unlock()
        self.status, self.locked_at = "open", None
        return finance.PeriodUnlocked.of(self)

    def allow_lock(self, actor: str = "") -> None:
        """Raises PeriodLocked when it is locked for good."""
        if self.status == "locked":
            raise PeriodLocked(period=self.code)
        self.allow("lock")

    def allow_unlock(self, actor: str = "") -> None:
        """Raises PeriodLocked when it is locked for good."""
        if self.status == "locked":
            raise PeriodLocked(period=self.code)
        self.allow("unlock")


class TaxCode(Aggregate, Base, of=finance.TaxCode):
    __table_args__ = (CheckConstraint("valid_to >= valid_from", name="valid_to"),)

    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    rate: Mapped[Decimal]
    kind: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    tax_account: Mapped[str]
    exigibility: Mapped[str]

    @property
    def accounts(self) -> dict[str, str]:
        """The accounts that carry the tax, by use."""
        return {"tax": self.tax_account}
