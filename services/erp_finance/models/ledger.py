"""The ledger: entries, their lines, the head of each chain, the noted anchors, the maintained balances."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    case,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from erp_finance.errors import AlreadyReversed, EntryHasDocument
from erp_finance.models.base import Aggregate, Base
from erp_finance.posting import Line
from shared.contracts import erp_finance as finance
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.money import ZERO
from shared.schema.conditions import Holds
from shared.storage.constraints import bounded, not_negative, one_of, where_given


class _EntryLine:
    """The columns of a line, drafted or posted."""

    position: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    label: Mapped[str]
    debit: Mapped[Decimal] = mapped_column(default=ZERO)
    credit: Mapped[Decimal] = mapped_column(default=ZERO)
    partner_id: Mapped[UUID | None]
    due_on: Mapped[date | None]
    tax_code: Mapped[str | None]


class DraftLine(_EntryLine, Base):
    """A line of a manual entry before it is posted; the ledger itself holds only what is posted."""

    __tablename__ = "draft_line"
    __table_args__ = (where_given("ix_draft_line_partner_id", "partner_id"),)

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entry.id"), primary_key=True)


class JournalLine(_EntryLine, Base):
    """A posted line; inserted once with its entry and never changed. `date` and `company_id` are those of the entry."""

    __tablename__ = "journal_line"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "account"], ["account.company_id", "account.code"]),
        *not_negative("debit", "credit"),
        CheckConstraint("(debit > 0) <> (credit > 0)", name="one_side"),
        Index("ix_journal_line_account", "company_id", "account", "date"),
        Index("ix_journal_line_date", "company_id", "date"),
        Index("ix_journal_line_partner", "partner_id", "date", postgresql_where=text("partner_id IS NOT NULL")),
    )

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entry.id"), primary_key=True)
    company_id: Mapped[UUID]
    date: Mapped[date]


_POSTED = (
    "state = 'draft' OR (number IS NOT NULL AND seq > 0 AND length(hash) = 64 AND length(prev_hash) = 64"
    " AND hash_version IS NOT NULL AND total > 0 AND line_count >= 2 AND period_id IS NOT NULL"
    " AND fiscal_year IS NOT NULL AND posted_at IS NOT NULL)"
)


class JournalEntry(Aggregate, Base, of=finance.JournalEntry):
    """Whether it is reversed shows from the entry that reverses it, so that a posted
    row never changes."""

    __table_args__ = (
        ForeignKeyConstraint(["company_id", "journal"], ["journal.company_id", "journal.code"]),
        one_of("state", "draft", "posted"),
        CheckConstraint(_POSTED, name="posted"),
        CheckConstraint("(source_type IS NULL) = (source_id IS NULL)", name="source"),
        *bounded("total"),
        CheckConstraint("length(reference) <= 300", name="reference"),  # with the day of a fact that came too late
        Index("uq_journal_entry_number", "company_id", "number", unique=True),
        Index("uq_journal_entry_seq", "company_id", "journal", "seq", unique=True),
        where_given("uq_journal_entry_source", "source_id", "source_type", unique=True),
        where_given("uq_journal_entry_reverses", "reverses_id", unique=True),
    )

    company_id: Mapped[UUID] = mapped_column(default=DEFAULT_COMPANY_ID)
    journal: Mapped[str]
    date: Mapped[date]
    reference: Mapped[str] = mapped_column(default="")
    currency: Mapped[str] = mapped_column(default="EUR")
    state: Mapped[str] = mapped_column(default="draft")
    fiscal_year: Mapped[str | None]
    period_id: Mapped[UUID | None] = mapped_column(ForeignKey("period.id"))
    number: Mapped[str | None]
    seq: Mapped[int | None]
    prev_hash: Mapped[str | None]
    hash: Mapped[str | None]
    hash_version: Mapped[int | None]
    total: Mapped[Decimal | None]
    line_count: Mapped[int | None]
    source_type: Mapped[str | None]
    source_id: Mapped[UUID | None]
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("journal_entry.id"))
    posted_at: Mapped[datetime | None]

    posted_lines: Mapped[list[JournalLine]] = relationship(
        lazy="selectin", order_by=JournalLine.position, viewonly=True
    )
    draft_lines: Mapped[list[DraftLine]] = relationship(
        lazy="selectin", order_by=DraftLine.position, cascade="all, delete-orphan"
    )

    @classmethod
    def filtered(cls) -> Mapping[str, Any]:
        """By the partners of its lines, posted or drafted."""
        lines = ((cls.posted_lines, JournalLine), (cls.draft_lines, DraftLine))
        none = not_(or_(*(of_entry.any(line.partner_id.is_not(None)) for of_entry, line in lines)))
        return {"partner_id": Holds("partner_id", cls._names, none)}

    @classmethod
    def _names(cls, partners: list[UUID]) -> ColumnElement[bool]:
        posted, drafted = (
            select(line.entry_id).where(line.partner_id.in_(partners)) for line in (JournalLine, DraftLine)
        )
        return cls.id.in_(posted.union_all(drafted))

    if TYPE_CHECKING:  # both are computed by the database, see below the class
        reversed_by_id: UUID | None
        status: str

    @property
    def lines(self) -> Sequence[JournalLine | DraftLine]:
        """The posted lines, or the drafted ones."""
        return self.draft_lines if self.state == "draft" else self.posted_lines

    def drafted(self) -> list[Line]:
        """The lines of a draft as values."""
        self.allow("post")
        return [_line(line) for line in self.draft_lines]

    def reversible_lines(self) -> list[Line]:
        """The mirrored lines of a posted manual entry."""
        self.allow_reverse()
        return [_line(line).mirrored() for line in self.posted_lines]

    def allow_reverse(self, actor: str = "") -> None:
        """Raises EntryHasDocument, AlreadyReversed."""
        if self.source_type is not None:
            raise EntryHasDocument(source_type=self.source_type, source_id=self.source_id)
        if self.reversed_by_id is not None:
            raise AlreadyReversed(number=self.number)
        self.allow("reverse")


def _line(line: _EntryLine) -> Line:
    return Line(
        line.account, line.label, line.debit, line.credit, line.partner_id, line.due_on, line.tax_code
    )  # fmt: skip


_entry: Any = JournalEntry.__table__
_reversal: Any = _entry.alias("reversal")
_reversed_by = select(_reversal.c.id).where(_reversal.c.reverses_id == _entry.c.id).correlate(_entry).scalar_subquery()
JournalEntry.reversed_by_id = column_property(_reversed_by)  # type: ignore[assignment]
JournalEntry.status = column_property(  # type: ignore[assignment]
    case((_reversed_by.is_not(None), "reversed"), else_=_entry.c.state)
)


class LedgerHead(Base):
    """The last entry of a journal's chain and the numbers given per fiscal year. Posting locks this row, last."""

    __tablename__ = "ledger_head"
    __table_args__ = (ForeignKeyConstraint(["company_id", "journal"], ["journal.company_id", "journal.code"]),)

    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    journal: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str]
    seq: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str]
    numbers: Mapped[dict[str, Any]] = mapped_column(default=dict)


class LedgerAnchor(Base):
    """The head of a chain at an hour, noted so that a chain that was cut and computed anew shows."""

    __tablename__ = "ledger_anchor"
    __table_args__ = (UniqueConstraint("company_id", "journal", "seq"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    company_id: Mapped[UUID]
    journal: Mapped[str]
    seq: Mapped[int]
    hash: Mapped[str]
    noted_at: Mapped[datetime]


class AccountBalance(Base):
    """What an account moved in a period, per journal: the lock on the journal's head serialises its writers."""

    __tablename__ = "account_balance"

    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    period_id: Mapped[UUID] = mapped_column(ForeignKey("period.id"), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    journal: Mapped[str] = mapped_column(primary_key=True)
    debit: Mapped[Decimal]
    credit: Mapped[Decimal]
