"""Giving a document its legal number, posting it and publishing it: one transaction, numbers without a gap."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from erp_finance import ledger
from erp_finance.errors import DateTooEarly
from erp_finance.ledger import Entry, PostingDay
from erp_finance.models import CreditNote, Invoice
from erp_finance.receivables import adjust
from shared.kernel.ids import new_id
from shared.kernel.money import ZERO
from shared.storage.outbox import publish

_NEXT = text(
    "INSERT INTO legal_series AS s (company_id, series, year, last, last_date)"
    " VALUES (:company_id, :series, :year, 1, :day) ON CONFLICT (company_id, series, year)"
    " DO UPDATE SET last = s.last + 1, last_date = greatest(s.last_date, excluded.last_date) RETURNING last, last_date,"
    " (SELECT vat_on_debits FROM company c WHERE c.id = s.company_id) AS vat_on_debits"
)
_GIVE_BACK = text(
    "UPDATE legal_series SET last = last - 1 WHERE company_id = :company_id AND series = :series AND year = :year"
)


def issue_for_event(
    session: Session,
    document: Invoice | CreditNote,
    wanted: date,
    open_orders: Decimal = ZERO,
    into_soft_lock: bool = False,
) -> None:
    """Issue what a fact of another service calls for, on its day or the first possible one after it.

    Numbers rise with the date (CGI ann. II art. 242 nonies A): when a later document was numbered already, this one
    takes that date. `open_orders` is what the document takes off the customer's open orders; `into_soft_lock` stands
    at `first_posting_day`.
    """
    _account(session, document, open_orders)
    on = ledger.first_posting_day(session, document.company_id, wanted, into_soft_lock)
    ordinal, day = _next_number(session, document, on.day)
    while day > on.ends_on:
        _give_back(session, document, on.day.year)
        on = ledger.first_posting_day(session, document.company_id, day, into_soft_lock)
        ordinal, day = _next_number(session, document, on.day)
    _post(session, document, PostingDay(day, on.period_id, on.fiscal_year, on.ends_on), ordinal, wanted)


def issue_on_request(session: Session, document: Invoice | CreditNote, day: date) -> None:
    """Issue a document on just this day. Raises DateTooEarly, and what `posting_day` raises."""
    _account(session, document, ZERO)
    on = ledger.posting_day(session, document.company_id, day)
    ordinal, last = _next_number(session, document, day)
    if last > day:
        raise DateTooEarly(date=day, last=last)
    _post(session, document, on, ordinal, day)


def _account(session: Session, document: Invoice | CreditNote, open_orders: Decimal) -> None:
    if isinstance(document, Invoice):
        adjust(
            session, document.company_id, document.customer_id,
            open_orders=-open_orders, receivable=document.gross_total,
        )  # fmt: skip


def _next_number(session: Session, document: Invoice | CreditNote, day: date) -> tuple[int, date]:
    """The next number of the year of a day, and the date that it bears at least. The series stays locked.

    The document takes over how its company pays VAT now, which saves a statement.
    """
    row = session.execute(_NEXT, {**_series(document, day.year), "day": day}).one()
    document.vat_on_debits = row.vat_on_debits
    return row.last, row.last_date


def _give_back(session: Session, document: Invoice | CreditNote, year: int) -> None:
    session.execute(_GIVE_BACK, _series(document, year))


def _series(document: Invoice | CreditNote, year: int) -> dict[str, UUID | str | int]:
    return {"company_id": document.company_id, "series": document.prefix, "year": year}


def _post(session: Session, document: Invoice | CreditNote, on: PostingDay, ordinal: int, wanted: date) -> None:
    entry_id = new_id()
    document.number_it(ordinal, on.day, entry_id)
    session.add(document)
    session.flush()
    lines = document.postings()
    if lines:
        entry = Entry(
            document.company_id, "VT", on.reference(document.number or "", wanted), document.currency, lines,
            document.source_type, document.id, id=entry_id,
        )  # fmt: skip
        ledger.post(session, entry, on)
    publish(session, document.issued())
    if isinstance(document, Invoice) and document.status == "paid":
        publish(session, document.paid(on.day))
