"""What the models of this service share: metadata, and the columns of priced lines and priced documents."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from crm_sales.pricing import Totals
from shared.database import Conventions, new_metadata
from shared.ids import DEFAULT_COMPANY_ID, new_id


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()


class PricedDocument:
    """Whom it is for, in which currency, and its totals, kept up to date."""

    number: Mapped[str]
    company_id: Mapped[UUID] = mapped_column(default=DEFAULT_COMPANY_ID)
    customer_id: Mapped[UUID]
    customer_name: Mapped[str]
    opportunity_id: Mapped[UUID | None]
    owner_id: Mapped[UUID | None]
    currency: Mapped[str] = mapped_column(default="EUR")
    payment_terms: Mapped[str] = mapped_column(default="net_30")
    reference: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
    custom: Mapped[dict[str, Any]] = mapped_column(default=dict)
    net_total: Mapped[Decimal]
    tax_total: Mapped[Decimal]
    gross_total: Mapped[Decimal]

    def take_totals(self, totals: Totals) -> None:
        """Store the sums of the lines."""
        self.net_total, self.tax_total, self.gross_total = totals.net_total, totals.tax_total, totals.gross_total


class PricedColumns:
    """The columns of a priced line; `position` counts from 1."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-10)
    position: Mapped[int]
    product_id: Mapped[UUID]
    kind: Mapped[str]
    description: Mapped[str]
    quantity: Mapped[Decimal]
    unit: Mapped[str]
    unit_price: Mapped[Decimal]
    discount_percent: Mapped[Decimal]
    tax_code: Mapped[str]
    tax_rate: Mapped[Decimal]
    net: Mapped[Decimal]
