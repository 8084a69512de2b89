"""What this service knows of others: customers and products, as their latest events report, and the tax rates of the law.

Nothing is asked of the other services when an order is written: they may be down.
"""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm_sales.models.base import Base
from shared.contracts import crm_contacts as contacts
from shared.contracts import erp_inventory as inventory
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.storage.constraints import not_negative
from shared.storage.replicas import Replica


class Customer(
    Replica, Base, of=contacts.ContactState,
    named_by=("Order.customer_id", "Quote.customer_id"), left={"status": "erased"},
):  # fmt: skip
    """A contact of crm_contacts. Its owner says who may name it."""

    name: Mapped[str]
    status: Mapped[str]
    owner_id: Mapped[UUID | None]


class Product(
    Replica, Base, of=inventory.ProductState,
    named_by=("OrderLine.product_id", "QuoteLine.product_id"), left={"active": False},
):  # fmt: skip
    """A product of erp_inventory. `sale_price` is in the company's currency, without tax.

    A user who may not see its company cannot sell it: `company_id` cuts it for them (shared/api/reaching.py).
    """

    __table_args__ = (*not_negative("sale_price"),)

    sku: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    unit: Mapped[str]
    sale_price: Mapped[Decimal | None]
    tax_code: Mapped[str]
    active: Mapped[bool]
    company_id: Mapped[UUID] = mapped_column(server_default=str(DEFAULT_COMPANY_ID))


class TaxRate(Base):
    """The rate in percent of a tax code from a date on, until the next row of the same code."""

    __tablename__ = "tax_rate"
    __table_args__ = (*not_negative("rate"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    rate: Mapped[Decimal]
