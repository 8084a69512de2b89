"""Payments and what they settle."""

from collections.abc import Mapping
from datetime import date
from datetime import date as Day  # `date` is a column of Payment
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, and_, not_, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from erp_finance import posting
from erp_finance.errors import AllocationExceedsInvoice, AllocationExceedsPayment, InvoiceOfAnother
from erp_finance.models.base import Aggregate, Base
from erp_finance.models.billing import CreditNote, Invoice
from erp_finance.models.organisation import Company
from shared.contracts import erp_finance as finance
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.money import ZERO
from shared.kernel.refusals import Invalid
from shared.schema.conditions import Holds
from shared.storage.constraints import one_of, positive, where_given
from shared.wire.fields import plain


class Allocation(Base):
    """The part of a payment or credit note that settles one invoice: planned → active → released.

    `allocated_on` and `released_on` are accounting dates, so that what was open on any past day can be computed.
    """

    __tablename__ = "allocation"
    __table_args__ = (
        one_of("state", "planned", "active", "released"),
        *positive("amount"),
        CheckConstraint("(payment_id IS NULL) <> (credit_note_id IS NULL)", name="one_source"),
        CheckConstraint("(state = 'planned') = (allocated_on IS NULL)", name="allocated_on"),
        CheckConstraint("(state = 'released') = (released_on IS NOT NULL)", name="released_on"),
        Index(None, "invoice_id"),
        where_given("ix_allocation_payment_id", "payment_id"),
        where_given("ix_allocation_credit_note_id", "credit_note_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    company_id: Mapped[UUID]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment.id"))
    credit_note_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice.id"))
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id"))
    amount: Mapped[Decimal]
    state: Mapped[str]
    allocated_on: Mapped[date | None]
    released_on: Mapped[date | None]

    @classmethod
    def of_credit_note(cls, note: CreditNote, amount: Decimal) -> Self:
        """A credit note settles the invoice that it corrects."""
        return cls(
            company_id=note.company_id, credit_note_id=note.id, invoice_id=note.corrects_id, amount=amount,
            state="active", allocated_on=note.issued_on,
        )  # fmt: skip

    def activate(self, payment: "Payment", invoice: Invoice, day: date) -> None:
        """Settle the invoice. Raises a refusal when it is another's or owes less."""
        self.allow_activate(payment, invoice)
        invoice.settle(self.amount)
        self.state, self.allocated_on = "active", max(day, invoice.issued_on or day)

    def allow_activate(self, payment: "Payment", invoice: Invoice) -> None:
        """Raises InvoiceOfAnother, AllocationExceedsInvoice."""
        if (invoice.customer_id, invoice.company_id) != (payment.contact_id, payment.company_id):
            raise InvoiceOfAnother(invoice_id=invoice.id)
        if self.amount > invoice.residual:
            raise AllocationExceedsInvoice(
                number=invoice.number, residual=plain(invoice.residual, 2), asked=plain(self.amount, 2)
            )

    def release(self, invoice: Invoice, day: date) -> None:
        """Open the invoice again by this amount."""
        invoice.settle(-self.amount)
        self.state, self.released_on = "released", max(day, self.allocated_on or day)


_LEAST = Decimal("0.01")
"""The least that can be allocated."""

_NEXT_NUMBER = "'PAY-' || lpad(nextval('payment_number')::text, 6, '0')"


class Payment(Aggregate, Base, of=finance.Payment):
    """`unallocated` is what settles no invoice yet and stays the customer's."""

    __table_args__ = (
        CheckConstraint("unallocated BETWEEN 0 AND amount", name="unallocated"),
        Index("ix_payment_contact_id", "contact_id", "created_at", "id"),
    )

    company_id: Mapped[UUID] = mapped_column(ForeignKey(Company.id), default=DEFAULT_COMPANY_ID)
    number: Mapped[str] = mapped_column(server_default=text(_NEXT_NUMBER))
    direction: Mapped[str] = mapped_column(default="in")
    contact_id: Mapped[UUID]
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(default="EUR")
    method: Mapped[str] = mapped_column(default="transfer")
    date: Mapped[date]
    reference: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="draft")
    unallocated: Mapped[Decimal] = mapped_column(default=ZERO)
    entry_id: Mapped[UUID | None]

    all_allocations: Mapped[list[Allocation]] = relationship(order_by=Allocation.invoice_id)

    @classmethod
    def filtered(cls) -> Mapping[str, Any]:
        """By the invoices that it settles now, or as a draft shall settle."""
        settles, kept = cls.all_allocations.any, Allocation.state != "released"
        named = Allocation.invoice_id.in_
        return {"invoice_id": Holds("invoice_id", lambda ids: settles(and_(named(ids), kept)), not_(settles(kept)))}

    @property
    def allocations(self) -> list[Allocation]:
        """What it settles, or as a draft shall settle."""
        return [a for a in self.all_allocations if a.state != "released"]

    @property
    def journal(self) -> str:
        return "CA" if self.method == "cash" else "BQ"

    @property
    def sign(self) -> int:
        """Whether it adds to or takes from what the customer has given us."""
        return 1 if self.direction == "in" else -1

    def post(self, entry_id: UUID) -> None:
        self.allow("post")
        self.status, self.entry_id, self.unallocated = "posted", entry_id, self.amount

    def reverse(self) -> None:
        """After its allocations were released."""
        self.allow("reverse")
        self.status, self.unallocated = "reversed", ZERO

    def take(self, amount: Decimal) -> None:
        """Use up a part for allocations. Raises AllocationExceedsPayment."""
        self._require_left(amount)
        self.unallocated -= amount

    def allow_allocate(self, actor: str = "", asked: Decimal = _LEAST) -> None:
        """Raises Invalid for money paid out, and AllocationExceedsPayment."""
        self.allow("allocate")
        if self.direction == "out":
            raise Invalid.at("/allocations", "out_of_range")
        self._require_left(asked)

    def _require_left(self, amount: Decimal) -> None:
        if amount > self.unallocated:
            raise AllocationExceedsPayment(left=plain(self.unallocated, 2), asked=plain(amount, 2))

    def allocate(self, invoice_id: UUID, amount: Decimal) -> Allocation:
        """Plan a part for an invoice."""
        part = Allocation(company_id=self.company_id, invoice_id=invoice_id, amount=amount, state="planned")
        self.all_allocations.append(part)
        return part

    def postings(self) -> list[posting.Line]:
        """Bank or cash to customers; out: the mirror image."""
        return posting.payment(self.amount, self.method, self.direction, self.contact_id, f"Règlement {self.number}")

    def created(self) -> finance.PaymentCreated:
        return finance.PaymentCreated.of(self, customer_id=self.contact_id)

    def received(self, settled: list[tuple[Allocation, Invoice]]) -> finance.PaymentReceived:
        """The posted payment as an event."""
        return finance.PaymentReceived.of(
            self, customer_id=self.contact_id, paid_on=self.date, allocations=_parts(settled)
        )

    def undone(self, released: list[tuple[Allocation, Invoice]], on: Day) -> finance.PaymentReversed:
        """The reversed payment as an event."""
        return finance.PaymentReversed.of(
            self, customer_id=self.contact_id, reversed_on=on, allocations=_parts(released)
        )

    def unsettled(self, released: list[tuple[Allocation, Invoice]], on: Day) -> finance.PaymentUnallocated:
        """What it does not settle any more, as an event."""
        return finance.PaymentUnallocated.of(
            self, customer_id=self.contact_id, released_on=on, allocations=_parts(released)
        )

    def allocated(self, settled: list[tuple[Allocation, Invoice]], on: Day) -> finance.PaymentAllocated:
        """What a later allocation settled, as an event."""
        return finance.PaymentAllocated.of(
            self, customer_id=self.contact_id, allocated_on=on, allocations=_parts(settled)
        )


def _parts(settled: list[tuple[Allocation, Invoice]]) -> list[finance.PaidInvoice]:
    return [
        finance.PaidInvoice(invoice_id=i.id, order_id=i.order_id, amount=a.amount, residual=i.residual)
        for a, i in settled
    ]
