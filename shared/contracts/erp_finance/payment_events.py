"""Events of payments."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from shared.schema.contract import Amount, Data, Event


class PaymentFact(Data):
    """Who may see it."""

    permission: ClassVar[str] = "finance.payments:read"


class PaidInvoice(Data):
    """The part of a payment that settles one invoice."""

    invoice_id: UUID
    order_id: UUID | None
    amount: Amount
    residual: Amount


class PaymentAllocated(PaymentFact, Event, type="erp_finance.payment.allocated", number=0x3FB):
    """Money received before was set against invoices; `unallocated` is what is left of the payment."""

    payment_id: UUID
    number: str
    customer_id: UUID
    currency: str
    allocated_on: date
    unallocated: Amount
    allocations: list[PaidInvoice]


class PaymentUnallocated(PaymentFact, Event, type="erp_finance.payment.unallocated", number=0x6E4):
    """A payment was taken off invoices, which are open again; `unallocated` is what it has left.

    Of each invoice, `amount` is what it had been settled by, `residual` what is open now.
    """

    payment_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    currency: str
    released_on: date
    unallocated: Amount
    allocations: list[PaidInvoice]


class PaymentCreated(PaymentFact, Event, type="erp_finance.payment.created", number=0x3F5):
    """A payment was drafted; it settles nothing before it is posted."""

    payment_id: UUID
    company_id: UUID
    customer_id: UUID
    direction: str
    amount: Amount
    currency: str


class PaymentReceived(PaymentFact, Event, type="erp_finance.payment.received", number=0xDB8):
    """Money came in from a customer and was posted; `unallocated` is what settles no invoice yet."""

    payment_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    amount: Amount
    currency: str
    paid_on: date
    unallocated: Amount
    allocations: list[PaidInvoice]


class PaymentReversed(PaymentFact, Event, type="erp_finance.payment.reversed", number=0x301):
    """A payment did not hold: its entry is mirrored, and the invoices named in `allocations` are open again.

    Of each, `amount` is what it had been settled by, `residual` what is open now.
    """

    payment_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    direction: str
    amount: Amount
    currency: str
    reversed_on: date
    allocations: list[PaidInvoice]
