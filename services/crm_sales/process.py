"""The statuses of an order as pure functions of the facts; its steps follow in steps.py.

Every fact only ever adds (a shipped quantity, an answer of higher rank, a later residual), and every status is a
function of the facts known so far. So the order in which answers arrive does not matter.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

CREDIT_RANKS = ("none", "pending", "held", "approved", "overridden", "released")
STOCK_RANKS = ("none", "pending", "short", "complete", "released")


class LineFacts(Protocol):
    """What happened to an order line so far."""

    @property
    def kind(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def delivered_quantity(self) -> Decimal: ...
    @property
    def invoiced_quantity(self) -> Decimal: ...
    @property
    def credited_quantity(self) -> Decimal: ...


class InvoiceFacts(Protocol):
    """What is known of an invoice of the order; `gross_total` is None until InvoiceIssued came."""

    @property
    def gross_total(self) -> Decimal | None: ...
    @property
    def residual(self) -> Decimal: ...


def higher(ranks: Sequence[str], now: str, answer: str) -> str:
    """The answer that outranks the other: a late or repeated answer never undoes a later one."""
    return max(now, answer, key=ranks.index)


def delivery_status(lines: Sequence[LineFacts], stock_status: str, confirmed: bool, rest_released: bool) -> str:
    """none, reserved, backordered, partial or delivered. Services need no delivery; a released rest is not awaited."""
    goods = [line for line in lines if line.kind != "service"]
    if not goods:
        return "delivered" if confirmed else "none"
    if any(line.delivered_quantity for line in goods):
        awaited = any(not rest_released and line.delivered_quantity < line.quantity for line in goods)
        return "partial" if awaited else "delivered"
    return shelf_status(stock_status)


def shelf_status(stock_status: str) -> str:
    """The delivery status while nothing has shipped."""
    return {"complete": "reserved", "short": "backordered"}.get(stock_status, "none")


def invoice_status(lines: Sequence[LineFacts], undone: bool, rest_released: bool) -> str:
    """none, partial or invoiced. A credit note corrects an invoice, or takes it back when the order was `undone`."""
    billed = [line.invoiced_quantity - (line.credited_quantity if undone else 0) for line in lines]
    if not any(quantity > 0 for quantity in billed):
        return "none"
    wanted = [line.delivered_quantity if rest_released and line.kind != "service" else line.quantity for line in lines]
    return "invoiced" if all(b >= w for b, w in zip(billed, wanted, strict=True)) else "partial"


def invoice_due(lines: Sequence[LineFacts], at_once: bool, undone: bool, rest_released: bool) -> bool:
    """Whether finance has something to bill: what left and, with the first shipment, all services.

    `at_once`: the whole order is billed on its confirmation. Afterwards, between two shipments, nothing is due.
    """
    shipped = any(line.delivered_quantity for line in lines if line.kind != "service")

    def wanted(line: LineFacts) -> Decimal:
        if at_once and not rest_released:
            return line.quantity
        if line.kind == "service":
            return line.quantity if at_once or shipped else Decimal(0)
        return line.delivered_quantity

    billed = [line.invoiced_quantity - (line.credited_quantity if undone else 0) for line in lines]
    return any(done < wanted(line) for done, line in zip(billed, lines, strict=True))


def payment_status(invoices: Sequence[InvoiceFacts], invoiced: str, undone: bool) -> str:
    """none, partial or paid: paid when everything is invoiced and nothing of it is open."""
    if undone and invoiced == "none":
        return "none"
    if invoiced == "invoiced" and all(i.gross_total is not None and not i.residual for i in invoices):
        return "paid"
    return "partial" if any(i.gross_total is None or i.residual < i.gross_total for i in invoices) else "none"
