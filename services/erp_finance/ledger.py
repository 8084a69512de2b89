"""Writing the ledger: find the open period of a day, chain an entry to its journal, keep the balances.

Locks, in this order: the period (shared, so that it cannot be locked meanwhile), last the head of the journal.
A transaction posts at most one entry, so two of them never wait for each other's heads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from erp_finance import chain, fiscal
from erp_finance.errors import ForeignCurrency, NoOpenPeriod
from erp_finance.models import FiscalYear, Period
from erp_finance.posting import Line
from shared.kernel import clock
from shared.kernel.business_days import business_day
from shared.kernel.fiscal_years import Span, opening
from shared.kernel.ids import new_id
from shared.kernel.money import ZERO
from shared.kernel.refusals import Invalid
from shared.storage.closed_periods import NoPeriod, PeriodLocked, PeriodSoftLocked, passes_soft_locks
from shared.storage.outbox import publish


@dataclass(frozen=True, slots=True)
class PostingDay:
    """A day on which an entry is posted, in a period that stays open until the transaction ends."""

    day: date
    period_id: UUID
    fiscal_year: str
    ends_on: date

    def reference(self, reference: str, wanted: date) -> str:
        """The reference of the entry; it keeps the original date when the period of that was closed."""
        return reference if wanted == self.day else f"{reference} ({wanted.isoformat()})"


@dataclass(frozen=True, slots=True)
class Entry:
    """What to post. `source_*` is the business key: a second entry for the same fact is refused by the database."""

    company_id: UUID
    journal: str
    reference: str
    currency: str
    lines: Sequence[Line]
    source_type: str | None = None
    source_id: UUID | None = None
    reverses_id: UUID | None = None
    id: UUID = field(default_factory=new_id)


_PERIOD = "SELECT id, code, fiscal_year, starts_on, ends_on, status FROM period WHERE company_id = :company_id"
_SEEN = f"{_PERIOD} AND ends_on >= :day ORDER BY ends_on LIMIT 1"
_PERIOD_SEEN, _PERIOD_OF = text(_SEEN), text(f"{_SEEN} FOR SHARE")
_OPEN_PERIOD_FROM = text(f"{_PERIOD} AND ends_on >= :day AND status = 'open' ORDER BY ends_on LIMIT 1 FOR SHARE")
_OPEN_OR_SOFT = text(
    f"{_PERIOD} AND ends_on >= :day AND (status = 'open' OR status = 'soft_locked' AND starts_on <= :day)"
    " ORDER BY ends_on LIMIT 1 FOR SHARE"
)


def posting_day(session: Session, company_id: UUID, day: date) -> PostingDay:
    """The period of a day for somebody who asked for just that day.

    Raises NoPeriod, PeriodLocked, or PeriodSoftLocked for callers without `finance.periods:lock`.
    """
    found = _writable(session, _period(session, _PERIOD_OF, company_id, day), day)
    return PostingDay(day, found.id, found.fiscal_year, found.ends_on)


def allow_posting(session: Session, company_id: UUID, journal: str, currency: str, day: date) -> None:
    """Raise what `posting_day` and `post` would be refused with; nothing is locked, and no fiscal year is opened."""
    found = session.execute(_PERIOD_SEEN, {"company_id": company_id, "day": day}).first()
    if _holds(found, day) or not _year_to_open(session, _START_SEEN, company_id, day):
        _writable(session, found, day)
    _require_currency(currency, session.execute(_CURRENCY, {"company_id": company_id, "journal": journal}).scalar_one())


def _writable(session: Session, found: Row[Any] | None, day: date) -> Row[Any]:
    if found is None or not _holds(found, day):
        raise NoPeriod(date=day)
    if found.status == "locked":
        raise PeriodLocked(period=found.code)
    if found.status == "soft_locked" and not passes_soft_locks(session):
        raise PeriodSoftLocked(period=found.code)
    return found


def _holds(found: Row[Any] | None, day: date) -> bool:
    return found is not None and bool(found.starts_on <= day)


def first_posting_day(session: Session, company_id: UUID, day: date, into_soft_lock: bool = False) -> PostingDay:
    """The day on which a fact of another service is posted: its own, or the first open one after it.

    A fact cannot be refused because its period was closed before it arrived; the entry's reference then keeps the
    original date. What the caller, or (`into_soft_lock`) the person who dated the fact, may write into a softly locked period
    stays there. Raises NoOpenPeriod when nothing is open any more.
    """
    allowed = into_soft_lock or passes_soft_locks(session)
    statement = _OPEN_OR_SOFT if allowed else _OPEN_PERIOD_FROM
    found = _period(session, statement, company_id, day)
    if found is None and _open_next_year(session, company_id):
        found = _period(session, statement, company_id, day)
    if found is None:
        raise NoOpenPeriod(date=day)
    return PostingDay(max(day, found.starts_on), found.id, found.fiscal_year, found.ends_on)


def reversal_day(session: Session, company_id: UUID, asked: date | None, original: date) -> date:
    """The day of what reverses an original: the one asked for, or else today, or that of the original where it is later.

    Raises Invalid at /date when the one asked for is before the original.
    """
    if asked is not None and asked < original:
        raise Invalid.at("/date", "before_original")
    return asked or max(business_day(session, company_id), original)


def _period(session: Session, statement: Any, company_id: UUID, day: date) -> Row[Any] | None:
    found = session.execute(statement, {"company_id": company_id, "day": day}).first()
    if not _holds(found, day) and _open_year_of(session, company_id, day):
        found = session.execute(statement, {"company_id": company_id, "day": day}).first()
    return found


_START_OF = "SELECT fiscal_year_start FROM company WHERE id = :company_id"
_START_SEEN, _START = text(_START_OF), text(f"{_START_OF} FOR NO KEY UPDATE")
_YEARS = text("SELECT starts_on, ends_on FROM fiscal_year WHERE company_id = :company_id ORDER BY starts_on")

_LAST_DAY = text("SELECT max(ends_on) FROM fiscal_year WHERE company_id = :company_id")


def _open_year_of(session: Session, company_id: UUID, day: date) -> bool:
    """Open the fiscal year of a day where that happens by itself. Says whether it did."""
    year = _year_to_open(session, _START, company_id, day)
    if year:
        open_year(session, company_id, year)
    return year is not None


def _year_to_open(session: Session, start_of: Any, company_id: UUID, day: date) -> Span | None:
    """The fiscal year that is opened by itself for a day."""
    today = business_day(session, company_id)
    start = session.execute(start_of, {"company_id": company_id}).scalar()
    known = [(row.starts_on, row.ends_on) for row in session.execute(_YEARS, {"company_id": company_id})]
    return opening(day, today, start, known) if start else None


def _open_next_year(session: Session, company_id: UUID) -> bool:
    """Open the year after the last one, in whose periods nothing can be posted any more. Says whether it did."""
    last = session.execute(_LAST_DAY, {"company_id": company_id}).scalar()
    return last is not None and _open_year_of(session, company_id, last + timedelta(days=1))


def open_year(session: Session, company_id: UUID, span: Span, year_id: UUID | None = None) -> FiscalYear:
    """Store a fiscal year with its monthly periods, and publish it."""
    year = FiscalYear(
        id=year_id or new_id(), company_id=company_id, code=span.code, starts_on=span.starts_on, ends_on=span.ends_on
    )
    session.add(year)
    session.flush()
    session.add_all(
        Period(company_id=company_id, fiscal_year_id=year.id, fiscal_year=year.code,
               code=month.code, starts_on=month.starts_on, ends_on=month.ends_on, status="open")
        for month in fiscal.months_of(span)
    )  # fmt: skip
    session.flush()
    publish(session, year.created())
    return year


_HEAD = text(
    "SELECT seq, hash, currency, coalesce((numbers ->> :year)::bigint, 0) AS last FROM ledger_head"
    " WHERE company_id = :company_id AND journal = :journal FOR UPDATE"
)
_CURRENCY = text("SELECT currency FROM ledger_head WHERE company_id = :company_id AND journal = :journal")
_POST = text(
    """
    WITH head AS (
        UPDATE ledger_head SET seq = :seq, hash = :hash,
            numbers = numbers || jsonb_build_object(CAST(:fiscal_year AS text), CAST(:ordinal AS bigint))
        WHERE company_id = :company_id AND journal = :journal
    ), entry AS (
        INSERT INTO journal_entry AS e (id, company_id, journal, date, reference, currency, state, fiscal_year,
            period_id, number, seq, prev_hash, hash, hash_version, total, line_count, source_type, source_id,
            reverses_id, posted_at, version, created_at, updated_at)
        VALUES (:id, :company_id, :journal, :date, :reference, :currency, 'posted', :fiscal_year,
            :period_id, :number, :seq, :prev_hash, :hash, :hash_version, :total, :line_count, :source_type,
            :source_id, :reverses_id, :posted_at, 1, :posted_at, :posted_at)
        ON CONFLICT (id) DO UPDATE SET state = 'posted', fiscal_year = excluded.fiscal_year,
            period_id = excluded.period_id, number = excluded.number, seq = excluded.seq,
            prev_hash = excluded.prev_hash, hash = excluded.hash, hash_version = excluded.hash_version,
            total = excluded.total, line_count = excluded.line_count, posted_at = excluded.posted_at,
            version = e.version + 1, updated_at = excluded.updated_at
    ), line AS (
        INSERT INTO journal_line (entry_id, company_id, date, position, account, label, debit, credit, partner_id,
            due_on, tax_code)
        SELECT CAST(:id AS uuid), CAST(:company_id AS uuid), CAST(:date AS date), position, account, label, debit,
            credit, partner_id, due_on, tax_code
        FROM unnest(CAST(:accounts AS text[]), CAST(:labels AS text[]), CAST(:debits AS numeric[]),
            CAST(:credits AS numeric[]), CAST(:partners AS uuid[]), CAST(:dues AS date[]), CAST(:taxes AS text[]))
            WITH ORDINALITY AS l (account, label, debit, credit, partner_id, due_on, tax_code, position)
    )
    INSERT INTO account_balance AS b (company_id, period_id, account, journal, debit, credit)
    SELECT CAST(:company_id AS uuid), CAST(:period_id AS uuid), account, :journal, sum(debit), sum(credit)
    FROM unnest(CAST(:accounts AS text[]), CAST(:debits AS numeric[]), CAST(:credits AS numeric[]))
        AS l (account, debit, credit) GROUP BY account ORDER BY account
    ON CONFLICT (company_id, period_id, account, journal)
        DO UPDATE SET debit = b.debit + excluded.debit, credit = b.credit + excluded.credit
    """
)


def post(session: Session, entry: Entry, on: PostingDay) -> str:
    """Post an entry: number, hash, lines and balances, in two statements. Returns its number.

    The journal's head stays locked until the transaction ends, so call it last. Raises ForeignCurrency.
    """
    keys = {"company_id": entry.company_id, "journal": entry.journal}
    head = session.execute(_HEAD, {**keys, "year": on.fiscal_year}).one()
    _require_currency(entry.currency, head.currency)
    values = _header(entry, on, head)
    values["hash"] = chain.entry_hash(head.hash, {**values, "lines": [_content(line) for line in entry.lines]})
    session.execute(_POST, {**values, **_columns(entry.lines)})
    return str(values["number"])


def _require_currency(currency: str, expected: str) -> None:
    if currency != expected:
        raise ForeignCurrency(currency=currency, expected=expected)


def _header(entry: Entry, on: PostingDay, head: Row[Any]) -> dict[str, Any]:
    return {
        "id": entry.id, "company_id": entry.company_id, "journal": entry.journal, "date": on.day,
        "reference": entry.reference, "currency": entry.currency, "fiscal_year": on.fiscal_year,
        "period_id": on.period_id, "ordinal": head.last + 1, "seq": head.seq + 1, "prev_hash": head.hash,
        "number": f"{entry.journal}-{on.fiscal_year}-{head.last + 1:06}", "hash_version": chain.VERSION,
        "source_type": entry.source_type, "source_id": entry.source_id, "reverses_id": entry.reverses_id,
        "posted_at": clock.now(), "line_count": len(entry.lines),
        "total": sum((line.debit for line in entry.lines), ZERO),
    }  # fmt: skip


def _content(line: Line) -> dict[str, Any]:
    names = ("account", "label", "debit", "credit", "partner_id", "due_on", "tax_code")
    return {name: getattr(line, name) for name in names}


def _columns(lines: Sequence[Line]) -> dict[str, list[Any]]:
    return {
        "accounts": [line.account for line in lines],
        "labels": [line.label for line in lines],
        "debits": [line.debit for line in lines],
        "credits": [line.credit for line in lines],
        "partners": [str(line.partner_id) if line.partner_id else None for line in lines],
        "dues": [line.due_on for line in lines],
        "taxes": [line.tax_code for line in lines],
    }


_ENTRY_OF = text("SELECT id FROM journal_entry WHERE source_id = :id AND source_type = :type")


def is_posted(session: Session, source_type: str, source_id: UUID) -> bool:
    """Whether a fact has its entry already."""
    return session.execute(_ENTRY_OF, {"id": source_id, "type": source_type}).first() is not None
