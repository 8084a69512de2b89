"""Correcting an invoice: what is left to credit, the credit note, and what it settles."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import reduce
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from erp_finance.errors import CreditExceedsInvoice, NothingToCredit
from erp_finance.issuing import issue_for_event
from erp_finance.models import Allocation, CreditNote, Invoice, InvoiceLine
from erp_finance.receivables import adjust
from shared.commerce.parts import share
from shared.commerce.taxes import Tax, added, totals
from shared.kernel.money import ZERO
from shared.storage.outbox import publish


def credit_note_for(
    session: Session, invoice: Invoice, quantities: Mapping[UUID, Decimal | None] | None, reason: str, day: date
) -> CreditNote:
    """Issue a credit note for a locked invoice and set it off; what exceeds the residual stays the customer's.

    `quantities` by invoice line, None: all that is left of it; without it: all lines. Raises NothingToCredit,
    CreditExceedsInvoice.
    """
    lines = _lines(session, invoice, quantities)
    sums = totals(lines, invoice.currency, before=_credited_taxes(session, invoice), of=invoice.taxes)
    note = CreditNote.correcting(invoice, lines, sums, reason)
    settles = invoice.credit(note.gross_total)
    adjust(
        session, invoice.company_id, invoice.customer_id,
        receivable=-settles, unallocated=note.gross_total - settles,
    )  # fmt: skip
    issue_for_event(session, note, max(day, invoice.issued_on or day))
    if settles > 0:
        note.settle(settles)
        session.add(Allocation.of_credit_note(note, settles))
        if invoice.residual == 0:
            publish(session, invoice.paid(note.issued_on or day))
    return note


def _lines(session: Session, invoice: Invoice, quantities: Mapping[UUID, Decimal | None] | None) -> list[InvoiceLine]:
    taken = _already_credited(session, invoice)
    left = _left(invoice, taken)
    wanted = _wanted(invoice, left, quantities)
    chosen: list[InvoiceLine] = []
    for line in invoice.lines:
        if line.id in wanted:
            before = taken.get(line.id, (ZERO, ZERO))
            net = share(line.net, line.quantity, *before, wanted[line.id], invoice.currency)
            chosen.append(line.credited(len(chosen) + 1, wanted[line.id], net))
    return chosen


def creditable(session: Session, invoice: Invoice) -> dict[UUID, Decimal]:
    """The quantity that is not credited yet, by line of a locked invoice."""
    return _left(invoice, _already_credited(session, invoice))


def allow_credit(session: Session, invoice: Invoice) -> None:
    """Raises NothingToCredit when all of it is credited."""
    _require_left(invoice, creditable(session, invoice))


def _require_left(invoice: Invoice, left: Mapping[UUID, Decimal]) -> None:
    if not any(quantity > 0 for quantity in left.values()):
        raise NothingToCredit(number=invoice.number)


def _left(invoice: Invoice, taken: Mapping[UUID, tuple[Decimal, Decimal]]) -> dict[UUID, Decimal]:
    return {line.id: line.quantity - taken.get(line.id, (ZERO, ZERO))[0] for line in invoice.lines}


def _already_credited(session: Session, invoice: Invoice) -> dict[UUID, tuple[Decimal, Decimal]]:
    """Quantity and net credited so far, by invoice line; certain, since the invoice is locked."""
    sums = (
        select(InvoiceLine.corrects_line_id, func.sum(InvoiceLine.quantity), func.sum(InvoiceLine.net))
        .join(CreditNote, CreditNote.id == InvoiceLine.invoice_id)
        .where(CreditNote.corrects_id == invoice.id)
        .group_by(InvoiceLine.corrects_line_id)
    )
    return {line_id: (quantity, net) for line_id, quantity, net in session.execute(sums) if line_id}


def _credited_taxes(session: Session, invoice: Invoice) -> list[Tax]:
    """The taxes credited so far, by rate."""
    notes = session.scalars(select(CreditNote.taxes).where(CreditNote.corrects_id == invoice.id))
    return reduce(added, notes, [])


def _wanted(
    invoice: Invoice, left: dict[UUID, Decimal], quantities: Mapping[UUID, Decimal | None] | None
) -> dict[UUID, Decimal]:
    _require_left(invoice, left)
    if quantities is None:
        return {line_id: quantity for line_id, quantity in left.items() if quantity > 0}
    wanted = {}
    for n, (line_id, asked) in enumerate(quantities.items()):
        if line_id not in left:
            raise CreditExceedsInvoice([{"pointer": f"/lines/{n}/line_id", "code": "not_found"}])
        wanted[line_id] = left[line_id] if asked is None else asked
        if not 0 < wanted[line_id] <= left[line_id]:
            raise CreditExceedsInvoice([{"pointer": f"/lines/{n}/quantity", "code": "out_of_range"}])
    return wanted
