"""Corrections of stock: what came in or went out without a document of trade."""

from datetime import date as Day
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from erp_inventory.costing import receipt_value
from erp_inventory.models.base import CURRENCY, Base
from erp_inventory.shelf import Shelf
from shared.contracts import erp_inventory as inventory
from shared.kernel import ids
from shared.kernel.money import ZERO, computed_at, total
from shared.kernel.refusals import Invalid
from shared.storage.database import Aggregate, Row
from shared.storage.numbering import loose_number


class StockAdjustment(Aggregate, Base, of=inventory.StockAdjustment):
    """A posted correction of the stock of one warehouse. It never changes; another one corrects it."""

    __table_args__ = (Index(None, "adjusted_on", "id"),)

    company_id: Mapped[UUID] = mapped_column(default=ids.DEFAULT_COMPANY_ID)
    number: Mapped[str] = mapped_column(default=loose_number("ADJ-", "stock_adjustment_number"))
    warehouse_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse.id"))
    reason: Mapped[str]
    date: Mapped[Day] = mapped_column("adjusted_on")
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
                id=requested.get("id") or ids.new_id(),
                position=position,
                product_id=shelf.product_id,
                quantity_delta=delta,
                counted_quantity=requested.get("counted_quantity"),
                unit_cost=cost,
                unit=shelf.unit,
                value=value,
            )
        )


class AdjustmentLine(Row, Base, of=inventory.AdjustmentLine):
    """What changed for one product; `value` is signed like `quantity_delta`."""

    __tablename__ = "stock_adjustment_line"
    __table_args__ = (Index(None, "adjustment_id", "position"), Index(None, "product_id"))

    adjustment_id: Mapped[UUID] = mapped_column(ForeignKey("stock_adjustment.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"))
    quantity_delta: Mapped[Decimal]
    counted_quantity: Mapped[Decimal | None]
    unit_cost: Mapped[Decimal | None]
    unit: Mapped[str]
    value: Mapped[Decimal]


def require_quantities(lines: list[dict[str, Any]]) -> None:
    """Each line says by how much, or what was counted. Raises Invalid with all errors."""
    errors = [(place, error) for place, line in enumerate(lines) if (error := _wrong_quantity(line))]
    if errors:
        raise Invalid([{"pointer": f"/lines/{place}/{name}", "code": code} for place, (name, code) in errors])


def _wrong_quantity(line: dict[str, Any]) -> tuple[str, str] | None:
    """Member and code of what is wrong with the quantities of a line."""
    delta, counted = line.get("quantity_delta"), line.get("counted_quantity")
    if delta is None and counted is None:
        return "quantity_delta", "required"
    if delta is not None and counted is not None:
        return "counted_quantity", "quantity_and_count"
    return ("quantity_delta", "zero") if delta == 0 else None


def _delta(requested: dict[str, Any], then: Decimal) -> Decimal:
    counted: Decimal | None = requested.get("counted_quantity")
    if counted is not None:
        return counted - then
    delta: Decimal = requested["quantity_delta"]
    return delta


def _unit_cost(shelf: Shelf, requested: dict[str, Any], position: int) -> Decimal:
    cost: Decimal | None = requested.get("unit_cost")
    if cost is None:
        cost = shelf.standard_cost
    if cost is None:
        raise Invalid.at(f"/lines/{position}/unit_cost", "required")
    return cost


def _correct(shelf: Shelf, delta: Decimal, cost: Decimal | None) -> Decimal:
    if cost is not None:
        value = receipt_value(delta, cost)
        shelf.receive(delta, value)
        return value
    return -shelf.issue(-delta) if delta < 0 else ZERO
