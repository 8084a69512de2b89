"""Events of invoices and credit notes."""

from datetime import date
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from shared.schema.contract import Amount, Data, Event


class InvoiceFact(Data):
    """Who may see it."""

    permission: ClassVar[str] = "finance.invoices:read"


class InvoicedLine(Data):
    """The quantity of an order line that an invoice or a credit note bills (negative on credit notes)."""

    order_line_id: UUID
    quantity: Decimal
    net: Amount


class InvoiceCreated(InvoiceFact, Event, type="erp_finance.invoice.created", number=0x3F4):
    """An invoice was drafted by hand; it is no document of the books before it is issued."""

    invoice_id: UUID
    company_id: UUID
    customer_id: UUID
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    product_ids: list[UUID]


class InvoiceIssued(InvoiceFact, Event, type="erp_finance.invoice.issued", number=0xE17):
    """A customer invoice got its legal number and was posted."""

    invoice_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    order_id: UUID | None
    delivery_id: UUID | None
    issued_on: date
    due_on: date
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    lines: list[InvoicedLine]


class CreditNoteIssued(InvoiceFact, Event, type="erp_finance.credit_note.issued", number=0x345):
    """An invoice was corrected; amounts are positive."""

    credit_note_id: UUID
    number: str
    corrects_id: UUID
    company_id: UUID
    customer_id: UUID
    order_id: UUID | None
    issued_on: date
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    lines: list[InvoicedLine]


class InvoicePaid(InvoiceFact, Event, type="erp_finance.invoice.paid", number=0xB13):
    """Payments or credit notes settled an invoice completely."""

    invoice_id: UUID
    number: str
    order_id: UUID | None
    customer_id: UUID
    paid_on: date


class InvoiceReopened(InvoiceFact, Event, type="erp_finance.invoice.reopened", number=0x988):
    """A payment was reversed or unallocated: the invoice is open again."""

    invoice_id: UUID
    number: str
    order_id: UUID | None
    customer_id: UUID
    residual: Amount
