"""Journal entries by hand: draft → posted → reversed; and the proof that nothing posted was ever touched."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from erp_finance import chain, chart, ledger, posting
from erp_finance.companies import company_of
from erp_finance.ledger import Entry
from erp_finance.models import Account, DraftLine, Journal, JournalEntry, LedgerAnchor, LedgerHead
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import command, every, query
from shared.kernel import clock
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid


class Bookkeeping:
    """What an accountant writes and checks."""

    @command(finance.JournalEntry.create)
    def create_journal_entry(self, session: Session, request: dict[str, Any]) -> JournalEntry:
        """Draft an entry. It must balance to the cent, and its accounts must exist and take manual entries."""
        company = company_of(session, request)
        _require_journal(session, company.id, request["journal"])
        lines = [_line(line, request["reference"]) for line in request["lines"]]
        _require_accounts(session, company.id, lines)
        _require_taxes(lines)
        if code := posting.problem(lines):
            raise Invalid.at("/lines", code)
        entry = JournalEntry(
            id=request.get("id") or new_id(), company_id=company.id, journal=request["journal"], date=request["date"],
            reference=request["reference"], currency=company.currency, state="draft",
            draft_lines=[_draft_line(n, line) for n, line in enumerate(lines, start=1)],
        )  # fmt: skip
        session.add(entry)
        session.flush()
        session.refresh(entry)
        return entry

    @command(finance.JournalEntry.post)
    def post_journal_entry(self, session: Session, entry: JournalEntry) -> JournalEntry:
        """Post a draft for good: from now on it is numbered, chained and reversed, never changed."""
        lines = entry.drafted()
        on = ledger.posting_day(session, entry.company_id, entry.date)
        draft = Entry(entry.company_id, entry.journal, entry.reference, entry.currency, lines, id=entry.id)
        return _posted(session, draft, on)

    def allow_post_journal_entry(self, session: Session, entry: JournalEntry) -> None:
        """Raises what its posting would be refused with."""
        entry.allow("post")
        ledger.allow_posting(session, entry.company_id, entry.journal, entry.currency, entry.date)

    @command(finance.JournalEntry.reverse)
    def reverse_journal_entry(self, session: Session, entry: JournalEntry, request: dict[str, Any]) -> JournalEntry:
        """Post the mirror image. Entries of documents are corrected through their document."""
        lines = entry.reversible_lines()
        day = ledger.reversal_day(session, entry.company_id, request.get("date"), entry.date)
        on = ledger.posting_day(session, entry.company_id, day)
        reversal = Entry(
            entry.company_id, entry.journal, entry.number or "", entry.currency, lines, reverses_id=entry.id
        )
        return _posted(session, reversal, on)

    @every(hours=1)
    def note_anchors(self, session: Session) -> None:
        """Keep the head of every chain that grew: rewriting an older entry then contradicts the note."""
        session.execute(_NOTE_ANCHORS, {"now": clock.now()})

    @query(finance.verify_ledger)
    def verify_ledger(self, session: Session) -> dict[str, Any]:
        """Recompute every hash chain from the stored entries and name the first bad entry of each journal."""
        heads = select(LedgerHead).order_by(LedgerHead.company_id, LedgerHead.journal)
        journals = [_verified(session, head) for head in session.scalars(heads).all()]
        return {
            "verified": all(journal["verified"] for journal in journals),
            "checked_at": clock.now(),
            "journals": journals,
        }


_NOTE_ANCHORS = text(
    "INSERT INTO ledger_anchor (id, company_id, journal, seq, hash, noted_at)"
    " SELECT gen_random_uuid(), company_id, journal, seq, hash, :now FROM ledger_head WHERE seq > 0"
    " ON CONFLICT (company_id, journal, seq) DO NOTHING"
)


def _posted(session: Session, entry: Entry, on: ledger.PostingDay) -> JournalEntry:
    ledger.post(session, entry, on)
    return session.get_one(JournalEntry, entry.id, populate_existing=True)


def _line(line: dict[str, Any], reference: str) -> posting.Line:
    return posting.Line(
        line["account"], line.get("label") or reference, line["debit"], line["credit"],
        line.get("partner_id"), line.get("due_on"), line.get("tax_code"),
    )  # fmt: skip


def _draft_line(position: int, line: posting.Line) -> DraftLine:
    return DraftLine(
        position=position, account=line.account, label=line.label, debit=line.debit, credit=line.credit,
        partner_id=line.partner_id, due_on=line.due_on, tax_code=line.tax_code,
    )  # fmt: skip


def _require_journal(session: Session, company_id: UUID, code: str) -> None:
    found = select(Journal.id).where(Journal.company_id == company_id, Journal.code == code)
    if session.scalar(found) is None:
        raise Invalid.at("/journal", "not_found")


def _require_taxes(lines: list[posting.Line]) -> None:
    codes = {tax.code for tax in chart.tax_codes()}
    errors = [
        {"pointer": f"/lines/{n}/tax_code", "code": "not_found"}
        for n, line in enumerate(lines)
        if line.tax_code is not None and line.tax_code not in codes
    ]
    if errors:
        raise Invalid(errors)


def _require_accounts(session: Session, company_id: UUID, lines: list[posting.Line]) -> None:
    codes = {line.account for line in lines}
    found = select(Account.code, Account.blocked).where(Account.company_id == company_id, Account.code.in_(codes))
    blocked: dict[str, bool] = {code: is_blocked for code, is_blocked in session.execute(found)}
    errors = [
        {"pointer": f"/lines/{n}/account", "code": "account_blocked" if line.account in blocked else "not_found"}
        for n, line in enumerate(lines)
        if blocked.get(line.account, True)
    ]
    if errors:
        raise Invalid(errors)


def _verified(session: Session, head: LedgerHead) -> dict[str, Any]:
    noted = select(LedgerAnchor).where(LedgerAnchor.company_id == head.company_id, LedgerAnchor.journal == head.journal)
    anchors = {anchor.seq: anchor.hash for anchor in session.scalars(noted)}
    entries, fault = chain.verify(_links(session, head), head.seq, head.hash, anchors)
    return {
        "company_id": head.company_id, "journal": head.journal, "entries": entries, "head_hash": head.hash,
        "verified": fault is None, "first_bad": fault,
    }  # fmt: skip


_LINKS = text(
    "SELECT e.id, e.seq, e.prev_hash, e.hash, e.number, e.company_id, e.journal, e.date, e.reference, e.currency,"
    " e.fiscal_year, e.source_type, e.source_id, e.reverses_id, e.posted_at,"
    " l.account, l.label, l.debit, l.credit, l.partner_id, l.due_on, l.tax_code"
    " FROM (SELECT * FROM journal_entry WHERE company_id = :company_id AND journal = :journal AND state = 'posted'"
    " AND seq > :after ORDER BY seq LIMIT 1000) AS e LEFT JOIN journal_line l ON l.entry_id = e.id"
    " ORDER BY e.seq, l.position"
)
_HEADER = ("number", "company_id", "journal", "date", "reference", "currency", "fiscal_year", "source_type", "source_id",
           "reverses_id", "posted_at")  # fmt: skip
_LINE = ("account", "label", "debit", "credit", "partner_id", "due_on", "tax_code")


def _links(session: Session, head: LedgerHead) -> Iterator[chain.Link]:
    """The posted entries of a journal in order, read in slices so that a long history fits into memory."""
    after = 0
    while True:
        keys = {"company_id": head.company_id, "journal": head.journal, "after": after}
        rows = session.execute(_LINKS, keys).all()
        if not rows:
            return
        for _, lines in groupby(rows, key=lambda row: row.id):
            yield _link(list(lines))
        after = rows[-1].seq


def _link(rows: list[Row[Any]]) -> chain.Link:
    first = rows[0]
    content = {name: getattr(first, name) for name in _HEADER}
    content["lines"] = [{name: getattr(row, name) for name in _LINE} for row in rows if row.account is not None]
    return chain.Link(first.id, first.seq, first.prev_hash, first.hash, content)
