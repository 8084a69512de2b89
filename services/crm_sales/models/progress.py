"""What is kept about the process of an order: its steps, its invoices as far as known, and the trace of facts."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_sales.models.base import Base
from shared.storage.constraints import one_of

_LATE = "status = 'pending' AND deadline IS NOT NULL AND reason IS NULL"


class OrderStep(Base):
    """A step as process.py derives it, with the time of its last change and its deadline."""

    __tablename__ = "order_step"
    __table_args__ = (
        one_of("name", "placed", "credit", "stock", "confirmation", "delivery", "invoicing", "payment"),
        one_of("status", "pending", "done", "failed", "compensated"),
        Index(
            "ix_order_step_deadline",
            "deadline",
            postgresql_where=text(_LATE),
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("sales_order.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    at: Mapped[datetime]
    deadline: Mapped[datetime | None]
    waits_for: Mapped[str | None]
    reason: Mapped[str | None]


class OrderInvoice(Base):
    """An invoice of an order. `gross_total` is None until InvoiceIssued came; `residual` is the latest told, at `told_at`."""

    __tablename__ = "order_invoice"
    __table_args__ = (Index(None, "order_id"),)

    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("sales_order.id", ondelete="CASCADE"))
    gross_total: Mapped[Decimal | None]
    residual: Mapped[Decimal]
    told_at: Mapped[datetime]

    def tell(self, residual: Decimal, at: datetime) -> None:
        """Take a residual unless a later event told another one; of two at the same instant the smaller is meant."""
        if at > self.told_at or (at == self.told_at and residual < self.residual):
            self.residual, self.told_at = residual, at


class OrderTrace(Base):
    """A fact about an order: the document that it concerns and the event that told it. Rows are never changed."""

    __tablename__ = "order_trace"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("sales_order.id"), primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_type: Mapped[str]
    type: Mapped[str]
    id: Mapped[UUID]
    number: Mapped[str]
    at: Mapped[datetime]
    caused_by: Mapped[str | None]
