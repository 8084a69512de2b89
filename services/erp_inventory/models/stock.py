"""The stock ledger: moves, which never change, and levels, which are their sums."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from erp_inventory.models.base import Base
from shared.kernel import clock, ids
from shared.storage.constraints import bounded
from shared.storage.database import Aggregate


class StockLevel(Aggregate, Base):
    """What lies of one product at one internal location: the sum of its moves, kept in their transactions.

    `moved_on` is the latest day of these moves.

    Written only through `ledger.py`, in bulk and under its locks.
    """

    __tablename__ = "stock_level"
    __table_args__ = (
        UniqueConstraint("product_id", "location_id"),
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0 AND reserved <= on_hand", name="reserved"),
        CheckConstraint("value >= 0 AND (on_hand > 0 OR value = 0)", name="value"),
        *bounded("on_hand", "value"),
        Index(None, "warehouse_id", "id"),
        Index(None, "location_id", "id"),
    )

    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"))
    location_id: Mapped[UUID] = mapped_column(ForeignKey("location.id"))
    warehouse_id: Mapped[UUID] = mapped_column(ForeignKey("warehouse.id"))
    on_hand: Mapped[Decimal]
    reserved: Mapped[Decimal]
    value: Mapped[Decimal]
    moved_on: Mapped[date | None]


class StockMove(Base):
    """Goods went from one location to another: double entry, so over all locations every product sums to zero.

    `position` is the order in which moves were written; `value` is the cost of the goods, never negative. Locations are
    not foreign keys here: they are never deleted, and every move of all products would lock the same two of their rows.
    """

    __tablename__ = "stock_move"
    __table_args__ = (
        UniqueConstraint("document_type", "document_line_id"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint("from_location_id <> to_location_id", name="locations"),
        *bounded("quantity", "value"),
        Index(None, "created_at", "id"),
        Index(None, "product_id", "created_at", "id"),
        Index(None, "moved_on", "id"),
        Index(None, "document_id"),
        Index(None, "order_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id)
    position: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    company_id: Mapped[UUID]
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"))
    from_location_id: Mapped[UUID]
    to_location_id: Mapped[UUID]
    from_usage: Mapped[str]
    to_usage: Mapped[str]
    quantity: Mapped[Decimal]
    unit: Mapped[str]
    value: Mapped[Decimal]
    moved_on: Mapped[date]
    document_type: Mapped[str]
    document_id: Mapped[UUID]
    document_number: Mapped[str]
    document_line_id: Mapped[UUID]
    order_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
