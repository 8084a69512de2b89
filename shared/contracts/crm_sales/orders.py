"""Orders: what customers ordered, and what became of it."""

from datetime import timedelta

from shared.contracts.crm_sales.documents import DocumentLine, Reason, SalesDocument
from shared.schema import Choice, Day, Instant, Lines, Multiline, Quantity, Refers, Resource, State, Text, Verb
from shared.schema.steps import Step, Steps

DELIVERY_STATUSES = ("none", "reserved", "backordered", "partial", "delivered")
INVOICE_STATUSES = ("none", "partial", "invoiced")
PAYMENT_STATUSES = ("none", "partial", "paid")
INVOICING_POLICIES = ("on_delivery", "on_order")


class OrderLine(DocumentLine):
    """A line of an order, with what became of it."""

    delivered_quantity = Quantity("What left the warehouse.", not_negative=True, computed=True)
    invoiced_quantity = Quantity("What invoices count.", not_negative=True, computed=True)
    credited_quantity = Quantity("What credit notes count.", not_negative=True, computed=True)


class Order(
    SalesDocument,
    Resource,
    path="/v1/orders",
    permission="sales.orders",
    label="number",
    columns=("number", "customer_name", "status", "delivery_status", "invoice_status", "payment_status", "gross_total"),
    summaries={
        "create": "Make a draft order",
        "update": "Change a draft order: lines are replaced whole, another currency needs new ones",
        "delete": "Delete a draft order",
    },
):
    """An order with its lines and what became of it. It is a draft until it is placed."""

    status = State(
        draft="Draft",
        placed="Placed",
        confirmed="Confirmed",
        on_hold="On hold",
        cancelled="Cancelled",
        completed="Completed",
        start="draft",
        tones={"placed": "info", "confirmed": "info", "on_hold": "warning", "completed": "success"},
    )
    delivery_status = Choice(DELIVERY_STATUSES, "How much of it has left.", default="none", computed=True, filter=True)
    invoice_status = Choice(INVOICE_STATUSES, "How much is invoiced.", default="none", computed=True, filter=True)
    payment_status = Choice(PAYMENT_STATUSES, "How much is paid.", default="none", computed=True, filter=True)
    quote_id = Refers("quotes", "The quote that was accepted.", computed=True, null=True)
    requested_date = Day("When the customer wants it.", null=True)
    invoicing_policy = Choice(INVOICING_POLICIES, "When it is invoiced.", default="on_delivery")
    hold_reason = Text(100, "Why it waits for a person, such as `credit_limit_exceeded`.", computed=True, null=True)
    cancel_reason = Multiline(500, "Why it was cancelled.", computed=True, null=True)
    placed_at = Instant("When it was placed.", computed=True, null=True)
    confirmed_at = Instant("When credit and stock were both there.", computed=True, null=True)
    completed_at = Instant("When it was delivered, invoiced and paid.", computed=True, null=True)
    cancelled_at = Instant("When it was cancelled.", computed=True, null=True)
    lines = Lines(OrderLine, "What is sold.", least=1, once="id", required=True)

    place = Verb(
        "Place the order: prices are frozen, credit and stock are asked", of=("draft",), idempotency="required"
    )
    release_hold = Verb(
        "Release the order: it passes although credit was held, but never by who placed it",
        of=("on_hold",),
        permission="sales.orders:release",
    )
    cancel = Verb(
        "Cancel the order: before anything shipped", of=("draft", "placed", "on_hold", "confirmed"), request=Reason
    )
    resume = Verb(
        "Resume the order: what it waits for is asked again", of=("placed", "on_hold", "confirmed", "cancelled")
    )


ORDER_STEPS = Steps(
    "order",
    "/v1/orders",
    placed=Step(),
    credit=Step("erp_finance.credit.approved", undone_by="erp_finance.credit.released", within=timedelta(minutes=5)),
    stock=Step("erp_inventory.stock.reserved", undone_by="erp_inventory.stock.released", within=timedelta(minutes=5)),
    confirmation=Step(after="credit and stock"),
    delivery=Step("erp_inventory.delivery.shipped", after="confirmation"),
    invoicing=Step("erp_finance.invoice.issued", after="delivery", within=timedelta(minutes=15)),
    payment=Step("erp_finance.invoice.paid", after="invoicing"),
)
"""From order to cash. Delivery and payment wait for people, who have no deadline here."""
