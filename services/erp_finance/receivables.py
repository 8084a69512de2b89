"""The customer's account, and the invoices that payments and credit notes settle, under their locks.

Locks, in this order: payment or order, invoices by id, the customer's account.
"""

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session, lazyload
from sqlalchemy.orm.attributes import set_committed_value

from erp_finance.credit import Exposure
from erp_finance.models import Allocation, Invoice, Payment
from shared.kernel.money import ZERO

_ADJUST = text(
    "INSERT INTO customer_account AS a (company_id, contact_id, open_orders, receivable, unallocated)"
    " VALUES (:company_id, :contact_id, greatest(:open_orders, 0), greatest(:receivable, 0), :unallocated)"
    " ON CONFLICT (company_id, contact_id) DO UPDATE SET open_orders = a.open_orders + :open_orders,"
    " receivable = a.receivable + :receivable, unallocated = a.unallocated + :unallocated"
    " RETURNING open_orders, receivable, unallocated, (SELECT credit_limit FROM credit_limit l"
    " WHERE l.contact_id = a.contact_id AND l.company_id = a.company_id) AS credit_limit"
)


def adjust(
    session: Session,
    company_id: UUID,
    contact_id: UUID,
    *,
    open_orders: Decimal = ZERO,
    receivable: Decimal = ZERO,
    unallocated: Decimal = ZERO,
) -> tuple[Exposure, Decimal | None]:
    """Lock a customer's account and add to its parts. Returns the exposure afterwards, and the credit limit."""
    changes = {"open_orders": open_orders, "receivable": receivable, "unallocated": unallocated}
    row = session.execute(_ADJUST, {"company_id": company_id, "contact_id": contact_id, **changes}).one()
    return Exposure(row.open_orders, row.receivable, row.unallocated), row.credit_limit


Settled = list[tuple[Allocation, Invoice]]
"""What settles which invoice, in the order of the invoices' ids."""


def lock_settled(session: Session, payment: Payment) -> Settled:
    """What a locked payment settles or, as a draft, shall settle: read and locked together with the invoices."""
    locked = _settled(payment).with_for_update(of=Invoice)
    settled = [(allocation, invoice) for allocation, invoice in session.execute(locked)]
    set_committed_value(payment, "all_allocations", [allocation for allocation, _ in settled])
    return settled


def settled_by(session: Session, payment: Payment) -> Settled:
    """The same without locks."""
    return [(allocation, invoice) for allocation, invoice in session.execute(_settled(payment))]


def _settled(payment: Payment) -> Select[Allocation, Invoice]:
    return (
        select(Allocation, Invoice)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(Allocation.payment_id == payment.id, Allocation.state != "released")
        .order_by(Invoice.id)
        .options(lazyload(Invoice.lines))
    )


def lock_invoices(session: Session, ids: Iterable[UUID]) -> dict[UUID, Invoice]:
    """Lock invoices in the order of their ids, so that nobody waits in a circle. Drafts and strangers are left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    statement = (
        select(Invoice)
        .where(Invoice.id.in_(wanted), Invoice.status != "draft")
        .order_by(Invoice.id)
        .with_for_update(of=Invoice)
        .options(lazyload(Invoice.lines))
        .execution_options(populate_existing=True)
    )
    return {invoice.id: invoice for invoice in session.scalars(statement)}
