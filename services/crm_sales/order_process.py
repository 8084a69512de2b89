"""The process of an order: the facts that other services report are noted on it, its lines and its invoices.

Set-based throughout: each fact is one statement, however many lines there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text, update

from crm_sales.errors import OrderNotHere
from crm_sales.models import Order, OrderInvoice, OrderLine
from shared.contracts.crm_sales import ORDER_STEPS, OrderConfirmed
from shared.process.frame import Process
from shared.schema.contract import Event

_BEFORE_ANY_PAYMENT = datetime(1, 1, 1, tzinfo=UTC)
"""The time of what is open on a new invoice: whatever is known of payments is later, by whichever clock."""


@dataclass(frozen=True, slots=True)
class LineState:
    """What happened to a line so far, read after the latest change."""

    kind: str
    quantity: Decimal
    delivered_quantity: Decimal
    invoiced_quantity: Decimal
    credited_quantity: Decimal


class OrderProcess(Process[Order], of=Order, steps=ORDER_STEPS, unknown=OrderNotHere):
    """`aggregate` is the order; from a fact it comes without its lines."""

    def note_credit(self, answer: str) -> None:
        """Finance answered `approved`, `held` or `released`."""
        self.publish(self.aggregate.note_credit(answer, self.now))

    def note_stock(self, answer: str) -> None:
        """The warehouse answered `short` or `complete`."""
        self.publish(self.aggregate.note_stock(answer, self.now))

    def note_release(self, shipped: bool) -> None:
        """The warehouse gave back what was reserved."""
        lines = [LineState(*row) for row in self.session.execute(_LINES, {"order": self.aggregate.id})]
        self.publish(self.aggregate.note_release(shipped, lines, self.invoices, self.now))

    def note_quantities(self, column: str, lines: Iterable[Any]) -> None:
        """Add to a quantity of the order's lines; a credit note states negative ones, and its quantity counts up."""
        sign = -1 if column == "credited_quantity" else 1
        deltas = [(str(line.order_line_id), line.quantity * sign) for line in lines]
        values = {"order": self.aggregate.id, "lines": [d[0] for d in deltas], "quantities": [d[1] for d in deltas]}
        now = [LineState(*row) for row in self.session.execute(_ADD[column], values)]
        self.publish(self.aggregate.note_quantities(now, self.invoices, self.now))

    def note_invoice(self, invoice_id: UUID, gross_total: Decimal, lines: Iterable[Any]) -> None:
        """An invoice was issued. What is still to be billed has its time from now: its deadline was that of this one."""
        self.restart("invoicing")
        self._invoice(invoice_id, gross_total, _BEFORE_ANY_PAYMENT).gross_total = gross_total
        self.note_quantities("invoiced_quantity", lines)

    def note_residuals(self, residuals: Iterable[tuple[UUID, Decimal]]) -> None:
        """Note what is open on invoices, whichever event reports them first."""
        for invoice_id, residual in residuals:
            self._invoice(invoice_id, residual, self.event_time)
        self.publish(self.aggregate.note_payment(self.invoices, self.now))

    def published(self, event: Event) -> None:
        """A confirmed service counts as delivered: no warehouse will ever report it."""
        if isinstance(event, OrderConfirmed) and self.aggregate.has_services:
            services = update(OrderLine).where(OrderLine.order_id == self.aggregate.id, OrderLine.kind == "service")
            self.session.execute(services.values(delivered_quantity=OrderLine.quantity))

    @cached_property
    def invoices(self) -> list[OrderInvoice]:
        """What is known of the order's invoices; the order is locked, so nobody else changes them."""
        return list(self.session.scalars(_INVOICES, {"order": self.aggregate.id}))

    def _invoice(self, invoice_id: UUID, residual: Decimal, at: datetime) -> OrderInvoice:
        """Note what is open on an invoice, whichever event reports it first."""
        known = next((found for found in self.invoices if found.invoice_id == invoice_id), None)
        if known is None:
            known = OrderInvoice(invoice_id=invoice_id, order_id=self.aggregate.id, residual=residual, told_at=at)
            self.session.add(known)
            self.invoices.append(known)
        known.take_residual(residual, at)
        return known


_INVOICES = select(OrderInvoice).where(OrderInvoice.order_id == bindparam("order"))
_COLUMNS = ", ".join(LineState.__dataclass_fields__)
_LINES = text(f"SELECT {_COLUMNS} FROM order_line WHERE order_id = :order")
_ADD = {
    column: text(
        f"UPDATE order_line SET {column} = {column} + coalesce((SELECT sum(d.quantity)"
        " FROM unnest(CAST(:lines AS uuid[]), CAST(:quantities AS numeric[])) AS d (line_id, quantity)"
        f" WHERE d.line_id = order_line.id), 0) WHERE order_id = :order RETURNING {_COLUMNS}"
    )
    for column in ("delivered_quantity", "invoiced_quantity", "credited_quantity")
}
