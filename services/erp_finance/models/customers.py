"""What the books know of a customer: a replica of the contact, what it owes and has on order, how much it may owe."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, synonym

from erp_finance.credit import Exposure
from erp_finance.models.base import Aggregate, Base
from erp_finance.models.organisation import Company
from shared.contracts import crm_contacts as contacts
from shared.contracts import erp_finance as finance
from shared.kernel import clock
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.money import ZERO
from shared.storage.constraints import not_negative
from shared.storage.replicas import Replica


class Customer(
    Replica, Aggregate, Base, of=contacts.ContactState, handler="keep_customer", left={"status": "erased"},
    named_by=("CustomerAccount.contact_id", "CreditLimit.customer_id", "Invoice.customer_id", "Payment.contact_id"),
):  # fmt: skip
    """A contact of crm_contacts: what documents say about it."""

    name: Mapped[str]
    status: Mapped[str]
    language: Mapped[str]
    email: Mapped[str | None]
    siren: Mapped[str | None]
    vat_number: Mapped[str | None]
    country: Mapped[str | None]
    owner_id: Mapped[UUID | None]


class CustomerAccount(Base):
    """The maintained parts of a customer's exposure in one company. To change one of them locks this row."""

    __tablename__ = "customer_account"
    __table_args__ = (*not_negative("open_orders", "receivable"),)

    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(primary_key=True)
    open_orders: Mapped[Decimal] = mapped_column(default=ZERO, server_default=text("0"))
    receivable: Mapped[Decimal] = mapped_column(default=ZERO, server_default=text("0"))
    unallocated: Mapped[Decimal] = mapped_column(default=ZERO, server_default=text("0"))

    @property
    def exposure(self) -> Exposure:
        return Exposure(self.open_orders, self.receivable, self.unallocated)


class CreditLimit(Aggregate, Base, of=finance.CreditLimit):
    __table_args__ = (Index("uq_credit_limit_contact", "contact_id", "company_id", unique=True),)

    company_id: Mapped[UUID] = mapped_column(ForeignKey(Company.id), default=DEFAULT_COMPANY_ID)
    customer_id: Mapped[UUID] = mapped_column("contact_id")
    contact_id = synonym("customer_id")  # as events name it
    limit: Mapped[Decimal | None] = mapped_column("credit_limit")
    currency: Mapped[str] = mapped_column(default="EUR")


class CreditApproval(Base):
    """Who let an order pass although it was held for credit, when, and at what exposure. Never changed."""

    __tablename__ = "credit_approval"

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    company_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    approved_by: Mapped[str]
    approved_at: Mapped[datetime] = mapped_column(default=clock.now)
    exposure: Mapped[Decimal]
    credit_limit: Mapped[Decimal | None]
    event_id: Mapped[UUID | None]
