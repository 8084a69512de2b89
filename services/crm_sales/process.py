"""The order process as pure functions: which statuses follow from the facts, which steps are open, until when.

Every fact only ever adds (a shipped quantity, an answer of higher rank, a later residual), and every status is a
function of the facts known so far. So the order in which answers arrive does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

CREDIT_RANKS = ("none", "pending", "held", "approved", "overridden", "released")
STOCK_RANKS = ("none", "pending", "short", "complete", "released")

STEPS = ("placed", "credit", "stock", "confirmation", "delivery", "invoicing", "payment")

DEADLINES = {
    "credit": timedelta(minutes=5),
    "stock": timedelta(minutes=5),
    "confirmation": timedelta(minutes=5),
    "invoicing": timedelta(minutes=15),
}
"""How long a step may wait for another service. Delivery and payment wait for people, who have no deadline here."""

VERBS: dict[str, tuple[str, ...]] = {
    "draft": ("place", "cancel"),
    "placed": ("cancel", "resume"),
    "on_hold": ("release_hold", "cancel", "resume"),
    "confirmed": ("cancel", "resume"),
    "cancelled": ("resume",),
    "completed": (),
}
"""What a person can do with an order in each state."""


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


class OrderFacts(Protocol):
    """What the steps are derived from."""

    status: str
    credit_status: str
    stock_status: str
    delivery_status: str
    invoice_status: str
    payment_status: str
    invoicing_policy: str
    hold_reason: str | None
    confirmed_at: datetime | None
    invoice_due: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the process, without its times."""

    name: str
    status: str
    waits_for: str | None = None
    reason: str | None = None

    def deadline(self, now: datetime) -> datetime | None:
        """Until when another service should have answered, counted from now."""
        waits = self.status == "pending" and self.waits_for is not None and "." in self.waits_for
        return now + DEADLINES[self.name] if waits and self.name in DEADLINES and self.reason is None else None


def higher(ranks: Sequence[str], now: str, told: str) -> str:
    """The answer that outranks the other: a late or repeated answer never undoes a later one."""
    return max(now, told, key=ranks.index)


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


def steps_of(order: OrderFacts) -> tuple[Step, ...]:
    """All steps of a placed order; none of a draft or of one that was cancelled as a draft."""
    if order.credit_status == "none":
        return ()
    return (
        Step("placed", "done"),
        _credit(order),
        _stock(order),
        _confirmation(order),
        *(_later(order, *row) for row in _LATER),
    )


def changed_steps(before: Sequence[Step], after: Sequence[Step]) -> list[Step]:
    """The steps that are not as they were."""
    known = {step.name: step for step in before}
    return [step for step in after if known.get(step.name) != step]


def _credit(order: OrderFacts) -> Step:
    if order.credit_status == "released":
        return Step("credit", "compensated")
    if order.status == "cancelled":
        return Step("credit", "pending", "erp_finance.credit.released")
    if order.credit_status == "held":
        return Step("credit", "failed", "release_hold", order.hold_reason)
    if order.credit_status == "pending":
        return Step("credit", "pending", "erp_finance.credit.approved")
    return Step("credit", "done", reason="released_by_a_person" if order.credit_status == "overridden" else None)


def _stock(order: OrderFacts) -> Step:
    if order.stock_status == "released":
        return Step("stock", "compensated")
    if order.status == "cancelled":
        return Step("stock", "pending", "erp_inventory.stock.released")
    if order.stock_status == "complete":
        return Step("stock", "done")
    short = order.stock_status == "short"
    return Step("stock", "pending", "erp_inventory.stock.reserved", "backordered" if short else None)


def _confirmation(order: OrderFacts) -> Step:
    if order.status == "cancelled":
        return Step("confirmation", "compensated" if order.confirmed_at else "failed", reason="cancelled")
    if order.confirmed_at:
        return Step("confirmation", "done")
    return Step("confirmation", "pending", "credit and stock")


_LATER = (
    ("delivery", "delivery_status", "delivered", "confirmation", "erp_inventory.delivery.shipped"),
    ("invoicing", "invoice_status", "invoiced", "delivery", "erp_finance.invoice.issued"),
    ("payment", "payment_status", "paid", "invoicing", "erp_finance.invoice.paid"),
)
"""Steps after the confirmation: name, status, its final value, the step before, and the event that moves it."""


def _later(order: OrderFacts, name: str, field: str, final: str, previous: str, event: str) -> Step:
    status = getattr(order, field)
    if status == final:
        return Step(name, "done")
    if order.status == "cancelled":
        return Step(name, "failed", reason="cancelled")
    if name == "invoicing" and order.invoicing_policy == "on_order":
        previous = "confirmation"
    started = {
        "delivery": order.confirmed_at is not None,
        "invoicing": order.invoice_due,
        "payment": order.invoice_status != "none",
    }[name]
    return Step(name, "pending", event if started else previous)
