"""Goods for orders: what is asked, what is set aside, what left."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from erp_inventory.errors import MoreThanReserved
from erp_inventory.models.base import Base
from erp_inventory.models.places import DEFAULT_WAREHOUSE_ID, STOCK_LOCATION_ID
from erp_inventory.shelf import Shelf
from shared.contracts import crm_sales as sales
from shared.contracts import erp_inventory as inventory
from shared.kernel import ids
from shared.kernel.money import ZERO
from shared.kernel.refusals import Invalid
from shared.storage.database import Aggregate, Row


class CustomerOrder(Base):
    """What this service knows of an order. Cancelled without placed: the cancellation came first and stays."""

    __tablename__ = "customer_order"

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    placed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


class Delivery(Aggregate, Base, of=inventory.Delivery):
    """waiting (for goods and for the order's confirmation) → ready (all reserved, confirmed) → shipped | cancelled"""

    __table_args__ = (
        CheckConstraint("(status = 'shipped') = (shipped_on IS NOT NULL)", name="shipped_on"),
        CheckConstraint("status NOT IN ('ready', 'shipped') OR confirmed", name="confirmed"),
        Index(None, "status", "created_at", "id"),
    )

    company_id: Mapped[UUID]
    number: Mapped[str]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("customer_order.order_id"))
    order_number: Mapped[str]
    placed_at: Mapped[datetime]
    customer_id: Mapped[UUID]
    customer_name: Mapped[str]
    warehouse_id: Mapped[UUID]
    location_id: Mapped[UUID]
    status: Mapped[str]
    confirmed: Mapped[bool]
    carrier: Mapped[str | None]
    tracking: Mapped[str | None]
    shipped_on: Mapped[date | None]
    backorder_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("delivery.id"))
    lines: Mapped[list["DeliveryLine"]] = relationship(
        lazy="selectin", order_by="DeliveryLine.position", back_populates="delivery"
    )

    @classmethod
    def for_order(cls, order: sales.OrderPlaced, placed_at: datetime, number: str) -> "Delivery":
        """A delivery of the order's goods; services are not delivered."""
        delivery = cls(
            id=ids.new_id(),
            company_id=order.company_id,
            number=number,
            order_id=order.order_id,
            order_number=order.number,
            placed_at=placed_at,
            customer_id=order.customer_id,
            customer_name=order.customer_name,
            warehouse_id=DEFAULT_WAREHOUSE_ID,
            location_id=STOCK_LOCATION_ID,
            status="waiting",
            confirmed=False,
        )
        for line in deliverable(order):
            delivery.ask(line.line_id, line, line.quantity)
        return delivery

    def ask(
        self, order_line_id: UUID, goods: "sales.PlacedLine | DeliveryLine", quantity: Decimal, reserved: Decimal = ZERO
    ) -> None:
        """Add a line for goods that are wanted, with what is set aside for it already."""
        line = DeliveryLine(
            id=ids.new_id(),
            position=len(self.lines),
            order_line_id=order_line_id,
            product_id=goods.product_id,
            description=goods.description,
            unit=goods.unit,
            quantity=quantity,
            done=ZERO,
        )
        line.reservation = Reservation(
            delivery_line_id=line.id,
            delivery_id=self.id,
            order_id=self.order_id,
            product_id=line.product_id,
            location_id=self.location_id,
            placed_at=self.placed_at,
            wanted=quantity,
            reserved=reserved,
        )
        self.lines.append(line)

    @property
    def is_open(self) -> bool:
        return self.status in ("waiting", "ready")

    @property
    def is_complete(self) -> bool:
        return all(line.reserved == line.quantity for line in self.lines)

    def answer(self) -> inventory.StockReserved:
        """What the order learns about its stock."""
        return inventory.StockReserved.of(
            self, delivery_id=self.id, delivery_number=self.number, complete=self.is_complete
        )

    def ready(self) -> inventory.DeliveryReady:
        """All goods are there and may leave, as an event."""
        return inventory.DeliveryReady.of(self)

    def confirm(self) -> None:
        """The order is confirmed: the goods may leave as soon as all are there."""
        self.confirmed = True
        if self.is_complete:
            self.status = "ready"

    def cancel(self) -> None:
        """Nothing of this leaves any more."""
        self.status = "cancelled"

    def ship(self, request: dict[str, Any], on: date) -> None:
        """Goods leave, all or what the request names. Raises InvalidTransition, Invalid or MoreThanReserved."""
        self.allow("ship")
        for line, quantity in self._leaving(request):
            line.leave(quantity)
        self.status, self.shipped_on = "shipped", on
        self.carrier, self.tracking = request["carrier"], request["tracking"]

    def _leaving(self, request: dict[str, Any]) -> list[tuple["DeliveryLine", Decimal]]:
        if "lines" not in request:
            return [(line, line.reserved) for line in self.lines]
        own = {line.id: line for line in self.lines}
        for place, asked in enumerate(request["lines"]):
            if asked["id"] not in own:
                raise Invalid.at(f"/lines/{place}/id", "not_found")
        return [(own[asked["id"]], asked["quantity"]) for asked in request["lines"]]

    @property
    def is_short(self) -> bool:
        """Whether it shipped with less than was asked."""
        return any(line.remaining > 0 for line in self.lines)

    def rest(self, number: str) -> "Delivery":
        """A new delivery of what did not leave: a ready delivery is completely reserved, and so is its rest."""
        rest = Delivery(
            id=ids.new_id(),
            company_id=self.company_id,
            number=number,
            order_id=self.order_id,
            order_number=self.order_number,
            placed_at=self.placed_at,
            customer_id=self.customer_id,
            customer_name=self.customer_name,
            warehouse_id=self.warehouse_id,
            location_id=self.location_id,
            status="ready",
            confirmed=True,
            backorder_of_id=self.id,
        )
        for line in self.lines:
            if line.remaining > 0:
                rest.ask(line.order_line_id, line, line.remaining, reserved=line.remaining)
        return rest

    def shipped(self, backorder_id: UUID | None, passes_soft_locks: bool) -> inventory.DeliveryShipped:
        assert self.shipped_on is not None
        return inventory.DeliveryShipped.of(
            self,
            lines=[inventory.ShippedLine.of(line, quantity=line.done) for line in self.lines if line.done > 0],
            backorder_id=backorder_id,
            passes_soft_locks=passes_soft_locks,
        )


class DeliveryLine(Row, Base, of=inventory.DeliveryLine):
    """What one order line gets with one delivery; `done` is what left, the rest went to the next delivery."""

    __tablename__ = "delivery_line"
    __table_args__ = (
        CheckConstraint("done >= 0 AND done <= quantity", name="done"),
        Index(None, "delivery_id", "position"),
        Index(None, "product_id"),
        Index("ix_delivery_line_order_line_id", "order_line_id", "delivery_id"),
    )

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("delivery.id"))
    order_line_id: Mapped[UUID]
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"))
    description: Mapped[str]
    unit: Mapped[str]
    quantity: Mapped[Decimal]
    done: Mapped[Decimal]
    delivery: Mapped[Delivery] = relationship(back_populates="lines", lazy="raise")
    reservation: Mapped["Reservation | None"] = relationship(lazy="joined")

    @property
    def reserved(self) -> Decimal:
        return self.reservation.reserved if self.reservation else ZERO

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.done

    def set_aside(self, shelf: Shelf) -> None:
        """Reserve what is free of what is asked."""
        assert self.reservation is not None
        self.reservation.reserved = shelf.reserve(self.quantity)

    def leave(self, quantity: Decimal) -> None:
        """So much of it leaves."""
        if quantity > self.reserved:
            raise MoreThanReserved(line_id=self.id, requested=quantity, reserved=self.reserved)
        self.done = quantity


class Reservation(Base):
    """What is set aside, or still wanted, for one line of an open delivery; gone when it ships or is cancelled.

    The sum of `reserved` over a product and location is the level's `reserved`. Rows are written under the lock of
    that level. They are kept apart from the lines so that looking for shortages costs what is open, not the history.
    """

    __tablename__ = "reservation"
    __table_args__ = (
        ForeignKeyConstraint(["product_id", "location_id"], ["stock_level.product_id", "stock_level.location_id"]),
        CheckConstraint("wanted > 0", name="wanted"),
        CheckConstraint("reserved >= 0 AND reserved <= wanted", name="reserved"),
        Index(None, "delivery_id"),
        Index(None, "order_id"),
        Index(
            "ix_reservation_shortage",
            "product_id",
            "location_id",
            "placed_at",
            "order_id",
            "delivery_line_id",
            postgresql_where=text("reserved < wanted"),
        ),
    )

    delivery_line_id: Mapped[UUID] = mapped_column(ForeignKey("delivery_line.id"), primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("delivery.id"))
    order_id: Mapped[UUID]
    product_id: Mapped[UUID]
    location_id: Mapped[UUID]
    placed_at: Mapped[datetime]
    wanted: Mapped[Decimal]
    reserved: Mapped[Decimal]


def deliverable(order: sales.OrderPlaced) -> list[sales.PlacedLine]:
    """The lines of an order that goods must be moved for."""
    return [line for line in order.lines if line.kind != "service" and line.quantity > 0]
