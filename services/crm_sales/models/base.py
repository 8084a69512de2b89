"""What the models of this service share: metadata, and the columns of priced lines and priced documents."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from shared.commerce.taxes import Totals
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.storage.constraints import (
    EMPTY_OBJECT,
    bounded,
    found_by_content,
    found_by_tag,
    searched_texts,
    sorted_texts,
)
from shared.storage.database import Conventions, new_metadata


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()


class PricedDocument:
    """Whom it is for, in which currency, and its totals, kept up to date."""

    number: Mapped[str]
    company_id: Mapped[UUID] = mapped_column(default=DEFAULT_COMPANY_ID)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    customer_name: Mapped[str]
    opportunity_id: Mapped[UUID | None]
    owner_id: Mapped[UUID | None]
    currency: Mapped[str] = mapped_column(default="EUR")
    payment_terms: Mapped[str] = mapped_column(default="net_30")
    reference: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
    custom: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=EMPTY_OBJECT)
    net_total: Mapped[Decimal]
    tax_total: Mapped[Decimal]
    gross_total: Mapped[Decimal]

    @property
    def product_ids(self) -> list[UUID]:
        """The products that its lines name."""
        return sorted({line.product_id for line in self.lines})  # type: ignore[attr-defined]

    def take_totals(self, totals: Totals) -> None:
        """Store the sums of the lines."""
        self.net_total, self.tax_total, self.gross_total = totals.net_total, totals.tax_total, totals.gross_total


class PricedColumns:
    """The columns of a priced line."""

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


def of_documents(table: str) -> list[SchemaItem]:
    """Constraints and indexes of a table of documents, beside those of the declaration."""
    return [
        CheckConstraint("gross_total = net_total + tax_total", name="gross_total"),
        *bounded("gross_total"),
        Index(f"ix_{table}_created_at", "created_at", "id"),
        Index(f"ix_{table}_gross_total", "gross_total", "id"),
        Index(f"ix_{table}_status", "status", "created_at", "id"),
        Index(f"ix_{table}_customer_id", "customer_id", "created_at", "id"),
        *sorted_texts(table, "number"),
        *searched_texts(table, "number", "customer_name"),
        found_by_tag(table),
        *found_by_content(table, "custom"),
    ]


def of_lines(table: str, document: str) -> list[SchemaItem]:
    """Indexes of a table of priced lines."""
    return [
        Index(f"ix_{table}_{document}", document, "position"),
        Index(f"ix_{table}_product_id", "product_id", document),
    ]
