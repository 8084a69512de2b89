"""Events and operations of `erp_finance`."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from shared.contract import Event


@dataclass(frozen=True, kw_only=True)
class CreditApproved(Event):
    """The customer's exposure, this order included, is within the limit (`limit` None: no limit is set)."""

    type: ClassVar[str] = "erp_finance.credit.approved"
    order_id: UUID
    customer_id: UUID
    exposure: Decimal
    limit: Decimal | None
    currency: str


@dataclass(frozen=True, kw_only=True)
class CreditHeld(Event):
    """The order would exceed the customer's credit limit."""

    type: ClassVar[str] = "erp_finance.credit.held"
    order_id: UUID
    customer_id: UUID
    exposure: Decimal
    limit: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class CreditReleased(Event):
    """The exposure of a cancelled order was given back."""

    type: ClassVar[str] = "erp_finance.credit.released"
    order_id: UUID
    customer_id: UUID


@dataclass(frozen=True, kw_only=True)
class InvoicedLine:
    """The quantity of an order line that an invoice or a credit note bills (negative on credit notes)."""

    order_line_id: UUID
    quantity: Decimal
    net: Decimal


@dataclass(frozen=True, kw_only=True)
class InvoiceIssued(Event):
    """A customer invoice got its legal number and was posted."""

    type: ClassVar[str] = "erp_finance.invoice.issued"
    invoice_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    order_id: UUID | None
    delivery_id: UUID | None
    issued_on: date
    due_on: date
    currency: str
    net_total: Decimal
    tax_total: Decimal
    gross_total: Decimal
    lines: list[InvoicedLine]


@dataclass(frozen=True, kw_only=True)
class CreditNoteIssued(Event):
    """An invoice was corrected; amounts are positive."""

    type: ClassVar[str] = "erp_finance.credit_note.issued"
    credit_note_id: UUID
    number: str
    corrects_id: UUID
    company_id: UUID
    customer_id: UUID
    order_id: UUID | None
    issued_on: date
    currency: str
    net_total: Decimal
    tax_total: Decimal
    gross_total: Decimal
    lines: list[InvoicedLine]


@dataclass(frozen=True, kw_only=True)
class InvoicePaid(Event):
    """Payments or credit notes settled an invoice completely."""

    type: ClassVar[str] = "erp_finance.invoice.paid"
    invoice_id: UUID
    number: str
    order_id: UUID | None
    customer_id: UUID
    paid_on: date


@dataclass(frozen=True, kw_only=True)
class InvoiceReopened(Event):
    """A payment was reversed or unallocated: the invoice is open again."""

    type: ClassVar[str] = "erp_finance.invoice.reopened"
    invoice_id: UUID
    number: str
    order_id: UUID | None
    customer_id: UUID
    residual: Decimal


@dataclass(frozen=True, kw_only=True)
class PaidInvoice:
    """The part of a payment that settles one invoice."""

    invoice_id: UUID
    order_id: UUID | None
    amount: Decimal
    residual: Decimal


@dataclass(frozen=True, kw_only=True)
class PaymentReceived(Event):
    """Money came in from a customer and was posted; `unallocated` is what settles no invoice yet."""

    type: ClassVar[str] = "erp_finance.payment.received"
    payment_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    amount: Decimal
    currency: str
    paid_on: date
    unallocated: Decimal
    allocations: list[PaidInvoice]
