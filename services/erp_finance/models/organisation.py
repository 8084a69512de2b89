"""The legal entity and what its books are made of: accounts, journals, fiscal years, periods, tax codes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from erp_finance.models.base import Aggregate, Base
from shared.contracts import erp_finance as finance
from shared.kernel import clock
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.refusals import InvalidTransition
from shared.kernel.time_zones import DEFAULT_ZONE
from shared.schema.contract import Changes
from shared.storage.closed_periods import PeriodLocked
from shared.storage.constraints import one_of, sorted_texts


class Company(Aggregate, Base):
    """An own legal entity. `fiscal_year_start` is MM-DD; `vat_on_debits`: VAT on services is due when they are invoiced."""

    __tablename__ = "company"
    __table_args__ = (CheckConstraint("payment_days BETWEEN 0 AND 60", name="payment_days"),)
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

    def added(self) -> finance.CompanyAdded:
        return finance.CompanyAdded.of(self)

    def changed(self, changes: Changes) -> finance.CompanyChanged:
        return finance.CompanyChanged.of(self, changes=changes)


class Account(Aggregate, Base):
    """A ledger account; `name` is French, as legal exports carry it."""

    __tablename__ = "account"
    __table_args__ = (
        one_of("type", "asset", "liability", "equity", "income", "expense"),
        Index("uq_account_company_id_code", "company_id", "code", unique=True),
        *sorted_texts("account", "code"),
    )

    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), default=DEFAULT_COMPANY_ID)
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    type: Mapped[str]
    reconcilable: Mapped[bool] = mapped_column(default=False)
    blocked: Mapped[bool] = mapped_column(default=False)


class Journal(Aggregate, Base):
    """A journal of original entry."""

    __tablename__ = "journal"
    __table_args__ = (
        one_of("type", "sale", "purchase", "bank", "cash", "general", "stock", "opening"),
        Index("uq_journal_company_id_code", "company_id", "code", unique=True),
    )

    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), default=DEFAULT_COMPANY_ID)
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    type: Mapped[str]


class FiscalYear(Aggregate, Base):
    """A fiscal year; years of one company adjoin and never overlap."""

    __tablename__ = "fiscal_year"
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="ends_on"),
        Index("uq_fiscal_year_company_id_starts_on", "company_id", "starts_on", unique=True),
    )

    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), default=DEFAULT_COMPANY_ID)
    code: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]

    def was_opened(self) -> finance.FiscalYearOpened:
        return finance.FiscalYearOpened.of(self)


class Period(Aggregate, Base):
    """A month of a fiscal year: open → soft_locked → locked; only the soft lock opens again."""

    __tablename__ = "period"
    __table_args__ = (
        one_of("status", "open", "soft_locked", "locked"),
        CheckConstraint("ends_on >= starts_on", name="ends_on"),
        Index("uq_period_company_id_ends_on", "company_id", "ends_on", unique=True),
        Index("ix_period_starts_on", "starts_on", "id"),
    )

    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), default=DEFAULT_COMPANY_ID)
    fiscal_year_id: Mapped[UUID] = mapped_column(ForeignKey("fiscal_year.id"))
    fiscal_year: Mapped[str]
    code: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    status: Mapped[str] = mapped_column(default="open")
    locked_at: Mapped[datetime | None]

    def lock(self, final: bool) -> None:
        """Close the period, softly or for good. Raises PeriodLocked when it is locked for good already."""
        if self.status == "locked":
            raise PeriodLocked(period=self.code)
        if not final and self.status == "soft_locked":
            raise InvalidTransition(state=self.status, allowed=["lock (final)", "unlock"])
        self.status = "locked" if final else "soft_locked"
        self.locked_at = clock.now()

    def unlock(self) -> None:
        """Open a softly locked period again. Raises PeriodLocked when it is locked for good."""
        if self.status == "locked":
            raise PeriodLocked(period=self.code)
        if self.status == "open":
            raise InvalidTransition(state=self.status, allowed=["lock"])
        self.status, self.locked_at = "open", None

    def was_locked(self) -> finance.PeriodLocked:
        return finance.PeriodLocked.of(self, final=self.status == "locked")

    def was_unlocked(self) -> finance.PeriodUnlocked:
        return finance.PeriodUnlocked.of(self)


class TaxCode(Aggregate, Base):
    """A rate of VAT from a day on."""

    __tablename__ = "tax_code"
    __table_args__ = (
        one_of("kind", "sale", "purchase"),
        one_of("exigibility", "delivery", "payment"),
        CheckConstraint("rate BETWEEN 0 AND 100", name="rate"),
        CheckConstraint("valid_to >= valid_from", name="valid_to"),
        Index("uq_tax_code_code_valid_from", "code", "valid_from", unique=True),
    )

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
