"""Corrections of stock: what came in or went out without a document of trade."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from erp_inventory.costing import receipt_value
from erp_inventory.models.base import CURRENCY, Base
from erp_inventory.shelf import Shelf
from shared.kernel import ids
from shared.kernel.money import ZERO, computed_at, total
from shared.kernel.refusals import Invalid
from shared.storage.constraints import searched_texts, sorted_texts
from shared.storage.database import Aggregate
from shared.storage.numbering import loose_number


class StockAdjustment(Aggregate, Base):
    """A posted correction of the stock of one warehouse. It never changes; another one corrects it."""

    __tablename__ = "stock_adjustment"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "warehouse_id", "id"),
        Index(None, "adjusted_on", "id"),
        *sorted_texts("stock_adjustment", "number"),
        *searched_texts("stock_adjustment", "number", "reason"),
    )

    company_id: Mapped[UUID] = mapped_column(default=ids.DEFAULT_COMPANY_ID)
    number: Mapped[str] = mapped_column(unique=True, default=loose_number("ADJ-", "stock_adjustment_number"))
    warehouse_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse.id"))
    reason: Mapped[str]
    adjusted_on: Mapped[date]
    value: Mapped[Decimal]
    lines: Mapped[list["AdjustmentLine"]] = relationship(lazy="selectin", order_by="AdjustmentLine.position")

    currency = CURRENCY

    def correct(self, shelf: Shelf, requested: dict[str, Any], then: Decimal) -> None:
        """Add a line and let it take effect on its shelf. Raises Invalid or InsufficientStock.

        `then` lay there at the end of the day of the adjustment: what was counted is compared with it.
        """
        position = len(self.lines)
        delta = _delta(requested, then)
        cost = _unit_cost(shelf, requested, position) if delta > 0 else None
        with computed_at(f"/lines/{position}"):
            value = _correct(shelf, delta, cost)
        with computed_at("/lines"):
            self.value = total((self.value, value))
        self.lines.append(
            AdjustmentLine(
                id=ids.new_id(),
                position=position,
                product_id=shelf.product_id,
                quantity_delta=delta,
                counted_quantity=requested.get("counted_quantity"),
                unit_cost=cost,
                unit=shelf.unit,
                value=value,
            )
        )


class AdjustmentLine(Base):
    """What changed for one product; `value` is signed like `quantity_delta`."""

    __tablename__ = "stock_adjustment_line"
    __table_args__ = (Index(None, "adjustment_id", "position"), Index(None, "product_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id)
    adjustment_id: Mapped[UUID] = mapped_column(ForeignKey("stock_adjustment.id"))
    position: Mapped[int]
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"))
    quantity_delta: Mapped[Decimal]
    counted_quantity: Mapped[Decimal | None]
    unit_cost: Mapped[Decimal | None]
    unit: Mapped[str]
    value: Mapped[Decimal]


def _delta(requested: dict[str, Any], then: Decimal) -> Decimal:
    if "counted_quantity" in requested:
        counted: Decimal = requested["counted_quantity"]
        return counted - then
    delta: Decimal = requested["quantity_delta"]
    return delta


def _unit_cost(shelf: Shelf, requested: dict[str, Any], position: int) -> Decimal:
    cost: Decimal | None = requested.get("unit_cost", shelf.standard_cost)
    if cost is None:
        raise Invalid.at(f"/lines/{position}/unit_cost", "required")
    return cost


def _correct(shelf: Shelf, delta: Decimal, cost: Decimal | None) -> Decimal:
    if cost is not None:
        value = receipt_value(delta, cost)
        shelf.receive(delta, value)
        return value
    return -shelf.issue(-delta) if delta < 0 else ZERO
