"""What this service knows of others: customers and products, copied from events, and the tax rates of the law."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm_sales.models.base import Base
from shared.contracts import crm_contacts as contacts
from shared.existence import copy_of


@copy_of("contacts", contacts.get_contact.permission)
class Customer(Base):
    """A contact of crm_contacts, as its latest event told. Its owner says who may name it."""

    __tablename__ = "customer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    status: Mapped[str]
    owner_id: Mapped[UUID | None]


class Product(Base):
    """A product of erp_inventory, as its latest event told. `sale_price` is in the company's currency, without tax.

    Whoever may not see its company cannot sell it: `company_id` cuts it for them (shared/reaching.py)."""

    __tablename__ = "product"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    unit: Mapped[str]
    sale_price: Mapped[Decimal | None]
    tax_code: Mapped[str]
    active: Mapped[bool]
    company_id: Mapped[UUID]


class TaxRate(Base):
    """The rate in percent of a tax code from a date on, until the next row of the same code."""

    __tablename__ = "tax_rate"

    code: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    rate: Mapped[Decimal]
