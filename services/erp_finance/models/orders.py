"""The snapshot of a sales order: prices and terms as agreed, what of it is delivered and billed, its credit."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from erp_finance.credit import Exposure, still_open
from erp_finance.models.base import Aggregate, Base, Taxes
from shared.commerce.parts import share
from shared.commerce.taxes import Tax, added
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.kernel import clock
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.money import ZERO
from shared.storage.constraints import not_negative, one_of, positive

AS_ORDERED = (
    "product_id", "description", "kind", "unit", "unit_price", "discount_percent", "tax_code", "tax_rate",
)  # fmt: skip
"""What a line of an order says, and its invoices and their credit notes repeat."""

_OF_ORDER = (
    "company_id", "number", "customer_id", "customer_name", "currency", "placed_on", "payment_days", "invoicing_policy",
    "net_total", "tax_total", "gross_total",
)  # fmt: skip


def as_ordered(line: Any) -> dict[str, Any]:
    return {name: getattr(line, name) for name in AS_ORDERED}


class SalesOrderLine(Base):
    """An order line with its price frozen. `billed_*` and `delivered_quantity` grow as it is fulfilled."""

    __tablename__ = "sales_order_line"
    __table_args__ = (
        *positive("quantity"),
        *not_negative("delivered_quantity", "billed_quantity"),
        Index(None, "order_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("sales_order.id"))
    position: Mapped[int]
    product_id: Mapped[UUID]
    description: Mapped[str]
    kind: Mapped[str]
    quantity: Mapped[Decimal]
    unit: Mapped[str]
    unit_price: Mapped[Decimal]
    discount_percent: Mapped[Decimal]
    net: Mapped[Decimal]
    tax_code: Mapped[str]
    tax_rate: Mapped[Decimal]
    delivered_quantity: Mapped[Decimal] = mapped_column(default=ZERO)
    billed_quantity: Mapped[Decimal] = mapped_column(default=ZERO)
    billed_net: Mapped[Decimal] = mapped_column(default=ZERO)

    @classmethod
    def placed(cls, order_id: UUID, position: int, line: sales.PlacedLine) -> Self:
        return cls(
            id=line.line_id, order_id=order_id, position=position, quantity=line.quantity, net=line.net,
            delivered_quantity=ZERO, billed_quantity=ZERO, billed_net=ZERO, **as_ordered(line),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Share:
    """What of an order line is billed now (or, negative, taken back), and how much of it left the warehouse."""

    line: SalesOrderLine
    delivered: Decimal
    quantity: Decimal
    net: Decimal


class SalesOrder(Aggregate, Base):
    """open → cancelled. The id is the order's; a cancellation that comes first leaves a row without content (`void`).

    `credit`: approved, held, or released by a person. Only approved and released orders count as open orders.
    """

    __tablename__ = "sales_order"
    __table_args__ = (
        one_of("invoicing_policy", "on_delivery", "on_order"),
        one_of("status", "open", "cancelled"),
        one_of("credit", "approved", "held", "released"),
        *not_negative("open_amount"),
        Index("ix_sales_order_customer", "customer_id", postgresql_where=text("open_amount > 0")),
    )

    company_id: Mapped[UUID] = mapped_column(default=DEFAULT_COMPANY_ID)
    number: Mapped[str]
    customer_id: Mapped[UUID | None]
    customer_name: Mapped[str] = mapped_column(default="")
    currency: Mapped[str] = mapped_column(default="EUR")
    placed_on: Mapped[date | None]
    payment_days: Mapped[int] = mapped_column(default=0)
    invoicing_policy: Mapped[str] = mapped_column(default="on_delivery")
    net_total: Mapped[Decimal] = mapped_column(default=ZERO)
    tax_total: Mapped[Decimal] = mapped_column(default=ZERO)
    gross_total: Mapped[Decimal] = mapped_column(default=ZERO)
    status: Mapped[str] = mapped_column(default="open")
    credit: Mapped[str] = mapped_column(default="approved")
    credit_exposure: Mapped[Decimal] = mapped_column(default=ZERO)
    credit_limit: Mapped[Decimal | None]
    decided_at: Mapped[datetime] = mapped_column(default=clock.now)
    open_amount: Mapped[Decimal] = mapped_column(default=ZERO)
    invoiced_gross: Mapped[Decimal] = mapped_column(default=ZERO)
    fully_billed: Mapped[bool] = mapped_column(default=False)
    billed_taxes: Mapped[list[Tax]] = mapped_column(Taxes, default=list)
    deliveries: Mapped[list[str]] = mapped_column(default=list)

    @classmethod
    def placed(cls, event: sales.OrderPlaced) -> Self:
        """The order as the event has it, before credit has been decided."""
        order = cls(
            id=event.order_id, status="open", credit="held", open_amount=ZERO, invoiced_gross=ZERO, fully_billed=False,
            billed_taxes=[], deliveries=[],
        )  # fmt: skip
        order.fill(event)
        return order

    def fill(self, event: sales.OrderPlaced) -> None:
        """Take prices and terms from the event."""
        for name in _OF_ORDER:
            setattr(self, name, getattr(event, name))

    @classmethod
    def void(cls, order_id: UUID, number: str) -> Self:
        """The place of an order that was cancelled before it became known."""
        return cls(id=order_id, number=number, status="cancelled", customer_id=None)

    @property
    def is_known(self) -> bool:
        """Whether the order itself has arrived, not only its cancellation."""
        return self.customer_id is not None

    def decide_credit(self, exposure: Exposure, limit: Decimal | None) -> bool:
        """Approve or hold, given what the customer owes and has on order without this order. Returns the answer."""
        approved = exposure.allows(self.gross_total, limit)
        self.credit = "approved" if approved else "held"
        self.credit_exposure, self.credit_limit = exposure.total + self.gross_total, limit
        self.open_amount = self.gross_total if approved else ZERO
        return approved

    def answer(self) -> finance.CreditApproved | finance.CreditHeld:
        """The credit decision as an event."""
        assert self.customer_id is not None
        if self.credit == "held":
            assert self.credit_limit is not None
            return finance.CreditHeld.of(self, exposure=self.credit_exposure, limit=self.credit_limit)
        return finance.CreditApproved.of(self, exposure=self.credit_exposure, limit=self.credit_limit)

    def release_hold(self) -> Decimal:
        """A person let the held order pass. Returns what it adds to the open orders."""
        self.credit = "released"
        if self.status == "open":
            self.open_amount = still_open(self.gross_total, self.invoiced_gross, self.fully_billed)
        return self.open_amount

    def cancel(self) -> Decimal:
        """Give the open part back. Returns what it takes off the open orders."""
        given_back, self.open_amount, self.status = self.open_amount, ZERO, "cancelled"
        return given_back

    def ship(self, delivery_id: UUID, shipped: dict[UUID, Decimal], lines: Iterable[SalesOrderLine]) -> list[Share]:
        """Note a shipment. Returns what it bills: what has left and is not billed yet, and all services at once.

        An order that is invoiced on confirmation bills nothing here, unless it was cancelled on the way: then what
        left nevertheless is billed. A delivery that is known already changes nothing.
        """
        if str(delivery_id) in self.deliveries:
            return []
        self.deliveries = [*self.deliveries, str(delivery_id)]
        bills = self.invoicing_policy == "on_delivery" or self.status == "cancelled"
        return [_shipped_share(line, self.currency, shipped.get(line.id, ZERO), bills) for line in lines]

    def confirm(self, lines: list[SalesOrderLine]) -> list[Share]:
        """What confirmation bills: everything for `on_order` and for orders of services only."""
        everything = self.invoicing_policy == "on_order" or all(line.kind == "service" for line in lines)
        if self.status != "open" or not everything:
            return []
        return [_share(line, self.currency, ZERO, line.quantity - line.billed_quantity) for line in lines]

    def surplus(self, lines: Iterable[SalesOrderLine]) -> dict[UUID, Decimal]:
        """The quantity by line that a cancelled order was billed for and did not get."""
        kept = bool(self.deliveries)
        return {line.id: _surplus(line, kept) for line in lines if _surplus(line, kept) > 0}

    def take_back(self, taxes: Iterable[Tax]) -> None:
        """Count the taxes of a credit note over what will not be delivered."""
        self.billed_taxes = added(self.billed_taxes, taxes, sign=-1)

    def bill(
        self, gross: Decimal, taxes: Iterable[Tax], shares: Iterable[Share], lines: Iterable[SalesOrderLine]
    ) -> Decimal:
        """Count an invoice. Returns what it takes off the open orders."""
        before, billed = self.open_amount, {s.line.id: s.quantity for s in shares}
        self.fully_billed = all(line.billed_quantity + billed.get(line.id, ZERO) >= line.quantity for line in lines)
        self.invoiced_gross += gross
        self.billed_taxes = added(self.billed_taxes, taxes)
        if before > 0:
            self.open_amount = still_open(self.gross_total, self.invoiced_gross, self.fully_billed)
        return before - self.open_amount

    def snapshot(self) -> dict[str, Any]:
        """The fields that its invoices take over."""
        names = ("company_id", "customer_id", "customer_name", "currency", "payment_days")
        return {"order_id": self.id, "reference": self.number, **{name: getattr(self, name) for name in names}}


def _share(line: SalesOrderLine, currency: str, delivered: Decimal, quantity: Decimal) -> Share:
    if not quantity:
        return Share(line, delivered, ZERO, ZERO)
    net = share(line.net, line.quantity, line.billed_quantity, line.billed_net, quantity, currency)
    return Share(line, delivered, quantity, net)


def _shipped_share(line: SalesOrderLine, currency: str, shipped: Decimal, bills: bool) -> Share:
    if not bills:
        return _share(line, currency, shipped, ZERO)
    if line.kind == "service":
        return _share(line, currency, ZERO, line.quantity - line.billed_quantity)
    return _share(line, currency, shipped, max(ZERO, line.delivered_quantity + shipped - line.billed_quantity))


def _surplus(line: SalesOrderLine, any_shipped: bool) -> Decimal:
    if line.kind == "service":
        return ZERO if any_shipped else line.billed_quantity
    return line.billed_quantity - line.delivered_quantity
