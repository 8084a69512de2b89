"""draft → posted (settles invoices, over-payment stays the customer's) → reversed (the invoices are open again)."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from erp_finance import ledger, posting
from erp_finance.errors import DateInFuture, InvoiceOfAnother
from erp_finance.ledger import Entry
from erp_finance.models import Invoice, Payment
from erp_finance.receivables import Settled, adjust, lock_invoices, lock_settled, settled_by
from shared.api import existence
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import ListRequest, Page, command, query
from shared.kernel.business_days import business_day
from shared.kernel.context import current
from shared.kernel.ids import new_id
from shared.kernel.money import ZERO
from shared.kernel.refusals import Invalid
from shared.storage.outbox import publish


class Paying:
    """Money that comes in, and what it settles."""

    @command(finance.Payment.create)
    def create_payment(self, session: Session, request: dict[str, Any]) -> Payment:
        """Draft a payment with what it shall settle."""
        wanted = request["allocations"]
        _check(session, request)
        company_id = request.get("company_id") or current(session).company_id
        payment = Payment(
            id=request.get("id") or new_id(), company_id=company_id,
            date=_day(session, company_id, request.get("date")), unallocated=ZERO, status="draft",
            **{name: request[name] for name in ("direction", "contact_id", "amount", "currency", "method", "reference")},
        )  # fmt: skip
        for part in wanted:
            payment.allocate(part["invoice_id"], part["amount"])
        session.add(payment)
        session.flush()
        publish(session, payment.created())
        return payment

    @command(finance.Payment.post)
    def post_payment(self, session: Session, payment: Payment) -> Payment:
        """Post it to the bank's or the cash journal and settle its invoices."""
        entry_id = new_id()
        _allow_posting(session, payment)
        payment.post(entry_id)
        settled = lock_settled(session, payment)
        _settle(payment, settled, payment.date)
        _adjust(session, payment, settled, payment.amount)
        on = ledger.posting_day(session, payment.company_id, payment.date)
        _post(session, payment, payment.postings(), on, "payment", entry_id)
        if payment.direction == "in":
            publish(session, payment.received(settled))
        _publish_paid(session, settled, payment.date)
        return payment

    def allow_post_payment(self, session: Session, payment: Payment) -> None:
        """Raises what its posting would be refused with, in the same order."""
        _allow_posting(session, payment)
        for allocation, invoice in settled_by(session, payment):
            allocation.allow_activate(payment, invoice)
        ledger.allow_posting(session, payment.company_id, payment.journal, payment.currency, payment.date)

    @command(finance.Payment.reverse)
    def reverse_payment(self, session: Session, payment: Payment, request: dict[str, Any]) -> Payment:
        """Undo a payment that did not hold (a bounced cheque): mirror its entry, open its invoices again."""
        payment.allow("reverse")
        if asked := request.get("date"):
            _day(session, payment.company_id, asked)
        day = ledger.reversal_day(session, payment.company_id, asked, payment.date)
        released = lock_settled(session, payment)
        _release(payment, released, day)
        _adjust(session, payment, released, -payment.amount, opened=True)
        payment.reverse()
        on = ledger.posting_day(session, payment.company_id, day)
        mirrored = posting.mirror(payment.postings())
        _post(session, payment, mirrored, on, "payment_reversal", new_id(), reverses_id=payment.entry_id)
        publish(session, payment.undone(released, on.day))
        for _, invoice in released:
            publish(session, invoice.reopened())
        return payment

    @command(finance.Payment.allocate)
    def allocate_payment(self, session: Session, payment: Payment, request: dict[str, Any]) -> Payment:
        """Settle invoices from what is left of a posted payment."""
        payment.allow_allocate(asked=sum((part["amount"] for part in request["allocations"]), ZERO))
        settled, today = _planned(session, payment, request["allocations"]), business_day(session, payment.company_id)
        _settle(payment, settled, today)
        _adjust(session, payment, settled, ZERO)
        payment.touch()
        publish(session, payment.allocated(settled, today))
        _publish_paid(session, settled, today)
        return payment

    @command(finance.Payment.unallocate)
    def unallocate_payment(self, session: Session, payment: Payment, request: dict[str, Any]) -> Payment:
        """Take the payment off its invoices (all, or those named); the money stays the customer's."""
        payment.allow("unallocate")
        named = request.get("invoice_ids")
        released = [(a, i) for a, i in lock_settled(session, payment) if named is None or i.id in named]
        if named is not None and len({i.id for _, i in released}) < len(named):
            raise Invalid.at("/invoice_ids", "not_found")
        today = business_day(session, payment.company_id)
        _release(payment, released, today)
        _adjust(session, payment, released, ZERO, opened=True)
        payment.touch()
        if released:
            publish(session, payment.unsettled(released, today))
        for _, invoice in released:
            publish(session, invoice.reopened())
        return payment

    @query(finance.Payment.list)
    def list_payments(self, session: Session, listing: ListRequest) -> Page:
        """With the allocations of all of a page in one statement."""
        return listing.page(
            session, select(Payment).options(selectinload(Payment.all_allocations)), dict(Payment.filtered())
        )


def _allow_posting(session: Session, payment: Payment) -> None:
    payment.allow("post")
    if payment.date > business_day(session, payment.company_id):
        raise DateInFuture(date=payment.date)


def _day(session: Session, company_id: UUID, asked: date | None) -> date:
    """The day on which money moved: never one to come. Raises Invalid."""
    today = business_day(session, company_id)
    if asked is not None and asked > today:
        raise Invalid.at("/date", "in_the_future")
    return asked or today


def _check(session: Session, request: dict[str, Any]) -> None:
    """Refuse what could never be posted. Whether the invoices still owe that much shows when it is posted."""
    wanted = request["allocations"]
    if wanted and request["direction"] == "out":
        raise Invalid.at("/allocations", "out_of_range")
    if sum((part["amount"] for part in wanted), ZERO) > request["amount"]:
        raise Invalid.at("/allocations", "out_of_range")
    if wanted:
        _check_invoices(session, request["contact_id"], [part["invoice_id"] for part in wanted])
    elif not existence.known(session, finance.Payment.create, "contacts", [request["contact_id"]]):
        raise Invalid.at("/contact_id", "not_found")


def _check_invoices(session: Session, contact_id: UUID, ids: list[UUID]) -> None:
    rows = session.execute(
        select(Invoice.id, Invoice.customer_id).where(Invoice.id.in_(ids), Invoice.status != "draft")
    )
    owners = {invoice_id: customer_id for invoice_id, customer_id in rows}
    errors = [
        {"pointer": f"/allocations/{n}/invoice_id", "code": "not_found"}
        for n, invoice_id in enumerate(ids)
        if owners.get(invoice_id) != contact_id
    ]
    if errors:
        raise Invalid(errors)


def _planned(session: Session, payment: Payment, parts: list[dict[str, Any]]) -> Settled:
    """New allocations with their locked invoices. Raises InvoiceOfAnother for what is no issued invoice."""
    invoices = lock_invoices(session, (part["invoice_id"] for part in parts))
    for part in parts:
        if part["invoice_id"] not in invoices:
            raise InvoiceOfAnother(invoice_id=part["invoice_id"])
    return [(payment.allocate(part["invoice_id"], part["amount"]), invoices[part["invoice_id"]]) for part in parts]


def _settle(payment: Payment, parts: Settled, day: date) -> None:
    """Settle the invoices. Raises a refusal when one is another's, or either side has too little."""
    for allocation, invoice in parts:
        payment.take(allocation.amount)
        allocation.activate(payment, invoice, day)


def _release(payment: Payment, parts: Settled, day: date) -> None:
    for allocation, invoice in parts:
        allocation.release(invoice, day)
        payment.unallocated += allocation.amount


def _adjust(session: Session, payment: Payment, parts: Settled, given: Decimal, opened: bool = False) -> None:
    """Move the customer's account: what is settled leaves (or, opened, comes back to) the receivables."""
    settled = sum((allocation.amount for allocation, _ in parts), ZERO) * (-1 if opened else 1)
    adjust(
        session, payment.company_id, payment.contact_id,
        receivable=-settled, unallocated=payment.sign * given - settled,
    )  # fmt: skip


def _post(
    session: Session,
    payment: Payment,
    lines: list[posting.Line],
    on: ledger.PostingDay,
    source: str,
    entry_id: UUID,
    reverses_id: UUID | None = None,
) -> None:
    session.flush()
    reference = payment.reference or payment.number
    entry = Entry(
        payment.company_id,
        payment.journal,
        reference,
        payment.currency,
        lines,
        source,
        payment.id,
        reverses_id,
        entry_id,
    )
    ledger.post(session, entry, on)


def _publish_paid(session: Session, settled: Settled, day: date) -> None:
    for _, invoice in settled:
        if invoice.residual == 0:
            publish(session, invoice.paid(day))
