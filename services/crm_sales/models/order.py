"""The sales order: facts are noted as they arrive, statuses follow from them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_sales import process
from crm_sales.errors import AlreadyShipped, ForeignCurrency, NotEditable, ReleaseByPlacer
from crm_sales.models.base import Base, PricedColumns, PricedDocument, of_documents, of_lines
from crm_sales.pricing import LIST_CURRENCY, PricedLine
from crm_sales.steps import steps_of
from shared.commerce.taxes import totals
from shared.commerce.terms import NET_DAYS
from shared.contracts import crm_sales as sales
from shared.kernel.money import ZERO
from shared.process.refusals import NothingToResume
from shared.schema.contract import Event
from shared.schema.steps import StepStatus
from shared.storage.constraints import one_of, where_given
from shared.storage.database import Aggregate, Row

CREDIT_LIMIT = "credit_limit_exceeded"

_COMPLETED = (
    "status <> 'completed'"
    " OR (delivery_status = 'delivered' AND invoice_status = 'invoiced' AND payment_status = 'paid')"
)


class Order(Aggregate, PricedDocument, Base, of=sales.Order):
    """A customer's order and where it stands.

    `credit_status` and `stock_status` hold the highest answer so far (see process.py); `rest_released` says that the
    warehouse gave back what had not shipped when the cancellation reached it.
    """

    __tablename__ = "sales_order"
    __table_args__ = (
        *of_documents("sales_order"),
        one_of("credit_status", "none", "pending", "held", "approved", "overridden", "released"),
        one_of("stock_status", "none", "pending", "short", "complete", "released"),
        CheckConstraint("status IN ('draft', 'cancelled') OR placed_at IS NOT NULL", name="placed_at"),
        CheckConstraint("(placed_at IS NULL) = (placed_on IS NULL)", name="placed_on"),
        CheckConstraint("(status = 'completed') = (completed_at IS NOT NULL)", name="completed_at"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled_at"),
        CheckConstraint("(status = 'on_hold') = (hold_reason IS NOT NULL)", name="hold_reason"),
        CheckConstraint(_COMPLETED, name="completed"),
        Index("ix_sales_order_delivery_status", "delivery_status", "created_at", "id"),
        Index("ix_sales_order_invoice_status", "invoice_status", "created_at", "id"),
        Index("ix_sales_order_payment_status", "payment_status", "created_at", "id"),
        where_given("ix_sales_order_quote_id", "quote_id"),
    )

    quote_id: Mapped[UUID | None] = mapped_column(ForeignKey("quote.id"))
    requested_date: Mapped[date | None]
    invoicing_policy: Mapped[str]
    status: Mapped[str]
    delivery_status: Mapped[str]
    invoice_status: Mapped[str]
    payment_status: Mapped[str]
    credit_status: Mapped[str]
    stock_status: Mapped[str]
    rest_released: Mapped[bool]
    has_goods: Mapped[bool]
    has_services: Mapped[bool]
    invoice_due: Mapped[bool] = mapped_column(default=False)
    hold_reason: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    placed_by: Mapped[str | None]
    placed_at: Mapped[datetime | None]
    placed_on: Mapped[date | None]
    confirmed_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    lines: Mapped[list["OrderLine"]] = relationship(
        order_by="OrderLine.position", lazy="selectin", cascade="all, delete-orphan", passive_deletes=True
    )

    @classmethod
    def draft(cls, number: str, values: dict[str, Any], lines: Sequence[PricedLine]) -> "Order":
        """A new draft; `values` are columns by name, customer_name among them."""
        order = cls(number=number, **{**sales.Order.declaration.initial(), **_UNASKED, **values})
        order.take_lines(lines)
        return order

    def change(self, values: dict[str, Any], lines: Sequence[PricedLine] | None) -> None:
        """Change a draft. Raises NotEditable."""
        self.check_editable()
        for name, value in values.items():
            setattr(self, name, value)
        if lines is not None:
            self.take_lines(lines)
        self.touch()

    def check_editable(self) -> None:
        """Raises NotEditable unless it is a draft."""
        if self.status != "draft":
            raise NotEditable(number=self.number, state=self.status)

    def take_lines(self, lines: Sequence[PricedLine]) -> None:
        """Set the lines of a draft that has none yet, and the totals."""
        self.lines.extend(OrderLine.of(line, position) for position, line in enumerate(lines, start=1))
        self.has_goods = any(line.kind != "service" for line in lines)
        self.has_services = any(line.kind == "service" for line in lines)
        self.take_totals(totals(lines, self.currency))

    # -- what people do ----------------------------------------------------------------------------------------------

    def place(self, actor: str, now: datetime, day: date) -> sales.OrderPlaced:
        """Freeze the prices and ask for credit and stock; `day` is that of the company. Raises ForeignCurrency."""
        self.allow_place()
        self.status, self.placed_by, self.placed_at, self.placed_on = "placed", actor, now, day
        self.credit_status = self.stock_status = "pending"
        return self.placed()

    def release_hold(self, actor: str, now: datetime) -> list[Event]:
        """Let it pass although credit was held. Raises ReleaseByPlacer."""
        self.allow_release_hold(actor)
        self.credit_status, self.status, self.hold_reason = "overridden", "placed", None
        released = sales.HoldReleased.of(self, approved_by=actor)
        return [released, *self._advance(now)]

    def resume(self) -> list[Event]:
        """The question that is asked again, because its answer is missing."""
        self.allow("resume")
        waits = self.credit_status in ("pending", "held") or self.stock_status in ("pending", "short")
        if self.status in ("placed", "on_hold") and waits:
            return [self.placed()]
        if self.status == "confirmed" and self.delivery_status not in _SHIPPED:
            return [sales.OrderConfirmed.of(self)]
        if self.status == "cancelled" and {self.credit_status, self.stock_status} - {"released", "none"}:
            return [self._cancelled()]
        return []

    def cancel(self, reason: str, now: datetime) -> list[Event]:
        """End it before anything shipped. Raises AlreadyShipped. Nobody else knows of a draft."""
        self.allow_cancel()
        known = self.status != "draft"
        self.status, self.cancel_reason, self.cancelled_at, self.hold_reason = "cancelled", reason, now, None
        return [self._cancelled()] if known else []

    # -- what the state alone does not say -----------------------------------------------------------------------------

    def allow_place(self, actor: str = "") -> None:
        """Raises ForeignCurrency: the books are kept in one currency."""
        self.allow("place")
        if self.currency != LIST_CURRENCY:
            raise ForeignCurrency(number=self.number, currency=self.currency, company_currency=LIST_CURRENCY)

    def allow_release_hold(self, actor: str) -> None:
        """Raises ReleaseByPlacer: two people decide."""
        self.allow("release_hold")
        if actor == self.placed_by:
            raise ReleaseByPlacer(number=self.number)

    def allow_cancel(self, actor: str = "") -> None:
        """Raises AlreadyShipped."""
        if self.status not in ("draft", "cancelled") and self.delivery_status in _SHIPPED:
            raise AlreadyShipped(number=self.number, delivery_status=self.delivery_status)
        self.allow("cancel")

    def allow_resume(self, actor: str = "") -> None:
        """Raises NothingToResume where no answer is missing."""
        self.allow("resume")
        if not self.resume():
            raise NothingToResume(number=self.number)

    # -- what others answer ------------------------------------------------------------------------------------------

    def note_credit(self, answer: str, now: datetime) -> list[Event]:
        """Finance answered `approved`, `held` or `released`."""
        self.credit_status = process.higher(process.CREDIT_RANKS, self.credit_status, answer)
        if self.credit_status == "held" and self.status == "placed":
            self.status, self.hold_reason = "on_hold", CREDIT_LIMIT
            return [sales.OrderHeld.of(self, reason=CREDIT_LIMIT)]
        return self._advance(now)

    def note_stock(self, answer: str, now: datetime) -> list[Event]:
        """The warehouse answered `short` or `complete`."""
        before = self.delivery_status
        self.stock_status = process.higher(process.STOCK_RANKS, self.stock_status, answer)
        if before not in _SHIPPED and self.has_goods:
            self.delivery_status = process.shelf_status(self.stock_status)
        if self.delivery_status == "backordered" != before and self.status != "cancelled":
            return [sales.OrderBackordered.of(self)]
        return self._advance(now)

    def note_release(
        self, shipped: bool, lines: Sequence[process.LineFacts], invoices: Sequence[process.InvoiceFacts], now: datetime
    ) -> list[Event]:
        """The warehouse gave back what was reserved; when goods had left before, the order lives on."""
        self.stock_status, self.rest_released = "released", self.rest_released or shipped
        return self.note_quantities(lines, invoices, now)

    def note_quantities(
        self, lines: Sequence[process.LineFacts], invoices: Sequence[process.InvoiceFacts], now: datetime
    ) -> list[Event]:
        """Something was shipped, invoiced or credited; `lines` and `invoices` hold all that is known now."""
        if self.status == "completed":
            return []
        events: list[Event] = []
        shipped = any(line.delivered_quantity for line in lines if line.kind != "service")
        if self.status == "cancelled" and (shipped or self.rest_released):
            events.append(self._reinstate(now))
        confirmed = self.confirmed_at is not None
        self.delivery_status = process.delivery_status(lines, self.stock_status, confirmed, self.rest_released)
        undone = self._billing_undone()
        self.invoice_status = process.invoice_status(lines, undone, self.rest_released)
        self.invoice_due = process.invoice_due(lines, confirmed and self._billed_at_once(), undone, self.rest_released)
        return events + self.note_payment(invoices, now)

    def note_payment(self, invoices: Sequence[process.InvoiceFacts], now: datetime) -> list[Event]:
        """An invoice was paid or opened again. Only the latter moves a completed order."""
        paid = process.payment_status(invoices, self.invoice_status, self._billing_undone())
        if self.status == "completed" and paid != "paid":
            self.status, self.completed_at = "confirmed", None
        self.payment_status = paid
        return self._advance(now)

    def steps(self) -> tuple[StepStatus, ...]:
        return steps_of(self)

    # -- what follows ------------------------------------------------------------------------------------------------

    def _advance(self, now: datetime) -> list[Event]:
        """Confirm when both answers are yes, complete when all is delivered, invoiced and paid."""
        events: list[Event] = []
        if self.status in ("placed", "on_hold") and self._approved() and self.stock_status == "complete":
            self.status, self.confirmed_at = "confirmed", now
            self.invoice_due = self._billed_at_once()
            if not self.has_goods:
                self.delivery_status = "delivered"
            events.append(sales.OrderConfirmed.of(self))
        elif self.status == "on_hold" and self._approved():
            self.status = "placed"
        if self.status != "on_hold":
            self.hold_reason = None
        done = (self.delivery_status, self.invoice_status, self.payment_status) == ("delivered", "invoiced", "paid")
        if self.status == "confirmed" and done:
            self.status, self.completed_at = "completed", now
            events.append(sales.OrderCompleted.of(self))
        return events

    def _billed_at_once(self) -> bool:
        """Whether finance bills all of it when it is confirmed, not what has left."""
        return self.invoicing_policy == "on_order" or not self.has_goods

    def _approved(self) -> bool:
        return self.credit_status in ("approved", "overridden")

    def _billing_undone(self) -> bool:
        """Whether credit notes take back what was invoiced: on a cancellation, finance credits what was billed ahead."""
        billed_ahead = self.cancel_reason is not None and self.invoicing_policy == "on_order"
        return self.status == "cancelled" or billed_ahead

    def _reinstate(self, now: datetime) -> sales.OrderReinstated:
        self.status, self.confirmed_at = "confirmed", self.confirmed_at or now
        self.cancelled_at = None
        return sales.OrderReinstated.of(self)

    # -- facts to publish --------------------------------------------------------------------------------------------

    def placed(self) -> sales.OrderPlaced:
        assert self.placed_on is not None
        return sales.OrderPlaced.of(self, payment_days=NET_DAYS[self.payment_terms])

    def _cancelled(self) -> sales.OrderCancelled:
        return sales.OrderCancelled.of(self, reason=self.cancel_reason or "")


class OrderLine(PricedColumns, Row, Base, of=sales.OrderLine):
    """A line of an order; the quantities only ever grow, as events report them."""

    __tablename__ = "order_line"
    __table_args__ = (*of_lines("order_line", "order_id"),)

    order_id: Mapped[UUID] = mapped_column(ForeignKey("sales_order.id", ondelete="CASCADE"))
    delivered_quantity: Mapped[Decimal] = mapped_column(default=ZERO)
    invoiced_quantity: Mapped[Decimal] = mapped_column(default=ZERO)
    credited_quantity: Mapped[Decimal] = mapped_column(default=ZERO)

    @classmethod
    def of(cls, line: PricedLine, position: int) -> "OrderLine":
        columns = {name: getattr(line, name) for name in PricedLine.__dataclass_fields__}
        return cls(
            position=position, delivered_quantity=ZERO, invoiced_quantity=ZERO, credited_quantity=ZERO, **columns
        )


_SHIPPED = ("partial", "delivered")
_UNASKED: dict[str, Any] = {
    "credit_status": "none",
    "stock_status": "none",
    "rest_released": False,
    "invoice_due": False,
}
