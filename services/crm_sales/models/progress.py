"""What is kept about the process of an order: its steps and its trace, and its invoices as far as known."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from crm_sales.models.base import Base
from shared.contracts.crm_sales import ORDER_STEPS
from shared.process.tables import process_tables

process_tables(Base.metadata, ORDER_STEPS, "sales_order")


class OrderInvoice(Base):
    """An invoice of an order. `gross_total` is None until InvoiceIssued came; `residual` is the latest reported, at `told_at`."""

    __tablename__ = "order_invoice"
    __table_args__ = (Index(None, "order_id"),)

    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("sales_order.id", ondelete="CASCADE"))
    gross_total: Mapped[Decimal | None]
    residual: Mapped[Decimal]
    told_at: Mapped[datetime]

    def take_residual(self, residual: Decimal, at: datetime) -> None:
        """Take a residual unless a later event reported another one; of two at the same instant the smaller is meant."""
        if at > self.told_at or (at == self.told_at and residual < self.residual):
            self.residual, self.told_at = residual, at
