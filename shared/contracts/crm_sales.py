"""Events and operations of `crm_sales`."""

from dataclasses import field
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from shared.commerce.terms import NET_DAYS
from shared.kernel.money import MINOR_UNITS
from shared.schema.contract import Amount, Changes, Data, Event, Listing, Operation
from shared.schema.steps import Step, Steps
from shared.wire import fields
from shared.wire.fields import Schema

JOBS = 0x5F5
"""The number of this service's jobs, which their ids carry: given once, like those of events."""


class PlacedLine(Data):
    """One order line with its price frozen. `net` is after discount, before tax."""

    line_id: UUID
    product_id: UUID
    description: str
    kind: str
    quantity: Decimal
    unit: str
    unit_price: Amount
    discount_percent: Decimal
    net: Amount
    tax_code: str
    tax_rate: Decimal


class OrderState(Data):
    """What the events of a draft order carry: the order after the change."""

    order_id: UUID
    number: str
    status: str
    company_id: UUID
    customer_id: UUID
    quote_id: UUID | None
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    product_ids: list[UUID] = field(default_factory=list)


class OrderCreated(OrderState, Event, type="crm_sales.order.created", number=0xE2F, permission="sales.orders:read"):
    """A draft order was made, by hand or from a quote; nobody else is concerned before it is placed."""


class OrderChanged(OrderState, Event, type="crm_sales.order.changed", number=0x8E6, permission="sales.orders:read"):
    """A draft order was changed, or cancelled before it was placed. Of its lines, `changes` tells product and price."""

    changes: Changes = field(default_factory=dict)


class OrderDeleted(Event, type="crm_sales.order.deleted", number=0x5D6, permission="sales.orders:read"):
    """A draft order is gone."""

    order_id: UUID
    number: str
    company_id: UUID


class OrderPlaced(Event, type="crm_sales.order.placed", number=0xDC7, permission="sales.orders:read"):
    """A customer ordered: credit and stock are asked to answer."""

    order_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    customer_name: str
    currency: str
    placed_on: date
    payment_days: int
    invoicing_policy: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    lines: list[PlacedLine]


class OrderConfirmed(Event, type="crm_sales.order.confirmed", number=0x13B, permission="sales.orders:read"):
    """Credit and stock both said yes: the delivery may be prepared."""

    order_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    gross_total: Amount
    currency: str


class OrderHeld(Event, type="crm_sales.order.held", number=0xE88, permission="sales.orders:read"):
    """The order waits for a person; `reason` is a stable code such as `credit_limit_exceeded`."""

    order_id: UUID
    number: str
    reason: str


class HoldReleased(Event, type="crm_sales.order.hold_released", number=0xAB3, permission="sales.orders:read"):
    """An authorised user let the order pass although credit was held."""

    order_id: UUID
    number: str
    approved_by: str


class OrderBackordered(Event, type="crm_sales.order.backordered", number=0x83D, permission="sales.orders:read"):
    """Stock could not be reserved completely; the order waits for goods."""

    order_id: UUID
    number: str


class OrderCancelled(Event, type="crm_sales.order.cancelled", number=0xE0B, permission="sales.orders:read"):
    """The order was cancelled before anything shipped: reservations and credit are given back."""

    order_id: UUID
    number: str
    reason: str


class OrderReinstated(Event, type="crm_sales.order.reinstated", number=0xB9A, permission="sales.orders:read"):
    """Goods had left before the cancellation reached the warehouse: what shipped stands and is invoiced."""

    order_id: UUID
    number: str


class OrderCompleted(Event, type="crm_sales.order.completed", number=0xEB4, permission="sales.orders:read"):
    """Delivered, invoiced and paid."""

    order_id: UUID
    number: str
    customer_id: UUID
    gross_total: Amount
    currency: str


class QuoteState(Data):
    """What the events of a draft quote carry: the quote after the change."""

    quote_id: UUID
    number: str
    status: str
    company_id: UUID
    customer_id: UUID
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    product_ids: list[UUID]


class QuoteCreated(QuoteState, Event, type="crm_sales.quote.created", number=0x3F2, permission="sales.quotes:read"):
    """A draft quote was made; it binds nobody before it is sent."""


class QuoteChanged(QuoteState, Event, type="crm_sales.quote.changed", number=0x3F3, permission="sales.quotes:read"):
    """A draft quote was changed. Of its lines, `changes` tells product and price."""

    changes: Changes = field(default_factory=dict)


class QuoteSent(Event, type="crm_sales.quote.sent", number=0x38C, permission="sales.quotes:read"):
    """A quote was sent to the customer: until `valid_until` its prices bind."""

    quote_id: UUID
    number: str
    revision: int
    company_id: UUID
    customer_id: UUID
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    valid_until: date | None


class QuoteRefused(Event, type="crm_sales.quote.refused", number=0x329, permission="sales.quotes:read"):
    """The customer refused a quote."""

    quote_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    reason: str


class QuoteExpired(Event, type="crm_sales.quote.expired", number=0x6E1, permission="sales.quotes:read"):
    """A sent quote was not accepted in time: its prices bind nobody any more."""

    quote_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    valid_until: date


class QuoteCancelled(Event, type="crm_sales.quote.cancelled", number=0x6E2, permission="sales.quotes:read"):
    """The seller withdrew a quote, sent or still a draft."""

    quote_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID


class QuoteRevised(Event, type="crm_sales.quote.revised", number=0x6E3, permission="sales.quotes:read"):
    """A quote is a draft again, under the same number: what was sent before binds nobody any more."""

    quote_id: UUID
    number: str
    revision: int
    company_id: UUID
    customer_id: UUID


class QuoteAccepted(Event, type="crm_sales.quote.accepted", number=0xBD1, permission="sales.quotes:read"):
    """The customer accepted a quote; `order_id` is the draft order made from it."""

    quote_id: UUID
    number: str
    order_id: UUID
    customer_id: UUID


ORDER_STATUSES = ("draft", "placed", "confirmed", "on_hold", "cancelled", "completed")
DELIVERY_STATUSES = ("none", "reserved", "backordered", "partial", "delivered")
INVOICE_STATUSES = ("none", "partial", "invoiced")
PAYMENT_STATUSES = ("none", "partial", "paid")
QUOTE_STATUSES = ("draft", "sent", "accepted", "refused", "expired", "cancelled")
INVOICING_POLICIES = ("on_delivery", "on_order")


class LineRequest(Schema):
    """A line to sell. Price, unit, tax code and description come from the product where they are left out.

    Another price than the list price needs the permission `sales.prices:override`.
    """

    id = fields.Uuid()
    product_id = fields.Uuid(required=True)
    description = fields.Multiline(most=500, least=1)
    quantity = fields.Quantity(positive=True, required=True)
    unit = fields.Text(most=20)
    unit_price = fields.Price(not_negative=True)
    discount_percent = fields.Percent(load_default=Decimal(0))
    tax_code = fields.Text(most=20)


class LineView(Schema):
    """A priced line. `net` = quantity × unit_price × (1 − discount_percent / 100), rounded, without tax."""

    id = fields.Uuid()
    product_id = fields.Uuid(refers="products")
    description = fields.Text()
    quantity = fields.Quantity()
    unit = fields.Text()
    unit_price = fields.Price()
    discount_percent = fields.Percent()
    tax_code = fields.Text()
    tax_rate = fields.Percent()
    net = fields.Amount()


class OrderLineView(LineView):
    """An order line with what became of it; `credited_quantity` counts credit notes, `invoiced_quantity` invoices."""

    delivered_quantity = fields.Quantity()
    invoiced_quantity = fields.Quantity()
    credited_quantity = fields.Quantity()


class QuoteChange(Schema):
    """What may change while a quote is a draft. Lines are replaced whole."""

    customer_id = fields.Known("contacts")
    opportunity_id = fields.Known("opportunities", allow_none=True)  # nobody keeps any yet
    owner_id = fields.Known("users", allow_none=True)
    currency = fields.Choice(*MINOR_UNITS)
    valid_until = fields.Day(allow_none=True)
    payment_terms = fields.Choice(*NET_DAYS)
    reference = fields.Text(most=100, allow_none=True)
    tags = fields.Many(fields.Text(most=50, least=1), most=50)
    custom = fields.Custom()
    lines = fields.Many(fields.Part(LineRequest), least=1, most=500, unique="id")


class QuoteRequest(QuoteChange):
    """A quote to make."""

    id = fields.Uuid()
    company_id = fields.Known("companies")
    customer_id = fields.Known("contacts", required=True)
    lines = fields.Many(fields.Part(LineRequest), least=1, most=500, unique="id", required=True)


class PreviewRequest(Schema):
    """Lines to price without storing anything."""

    customer_id = fields.Known("contacts")
    currency = fields.Choice(*MINOR_UNITS, load_default="EUR")
    lines = fields.Many(fields.Part(LineRequest), least=1, most=500, unique="id", required=True)


class TaxView(Schema):
    """Tax of one rate on a document: rounded once, on the sum of its lines."""

    tax_code = fields.Text()
    rate = fields.Percent()
    base = fields.Amount()
    amount = fields.Amount()


class PreviewView(Schema):
    """Priced lines and totals of what was asked."""

    currency = fields.Text()
    lines = fields.Many(fields.Part(LineView))
    taxes = fields.Many(fields.Part(TaxView))
    net_total = fields.Amount()
    tax_total = fields.Amount()
    gross_total = fields.Amount()


class QuoteView(Schema):
    """A quote; `order_id` is the draft order that its acceptance made, `revision` counts from 1."""

    id = fields.Uuid()
    number = fields.Text()
    revision = fields.Whole()
    status = fields.Choice(*QUOTE_STATUSES)
    company_id = fields.Uuid(refers="companies")
    customer_id = fields.Uuid(refers="contacts")
    customer_name = fields.Text()
    opportunity_id = fields.Uuid(allow_none=True)
    owner_id = fields.Uuid(allow_none=True)
    order_id = fields.Uuid(refers="orders", allow_none=True)
    currency = fields.Text()
    valid_until = fields.Day(allow_none=True)
    payment_terms = fields.Choice(*NET_DAYS)
    reference = fields.Text(allow_none=True)
    refusal_reason = fields.Text(allow_none=True)
    tags = fields.Many(fields.Text())
    custom = fields.Custom()
    lines = fields.Many(fields.Part(LineView))
    net_total = fields.Amount()
    tax_total = fields.Amount()
    gross_total = fields.Amount()
    created_at = fields.Instant()
    updated_at = fields.Instant()
    version = fields.Whole()


class OrderChange(Schema):
    """What may change while an order is a draft. Lines are replaced whole; another currency needs new lines."""

    customer_id = fields.Known("contacts")
    opportunity_id = fields.Known("opportunities", allow_none=True)  # nobody keeps any yet
    owner_id = fields.Known("users", allow_none=True)
    currency = fields.Choice(*MINOR_UNITS)
    requested_date = fields.Day(allow_none=True)
    payment_terms = fields.Choice(*NET_DAYS)
    invoicing_policy = fields.Choice(*INVOICING_POLICIES)
    reference = fields.Text(most=100, allow_none=True)
    tags = fields.Many(fields.Text(most=50, least=1), most=50)
    custom = fields.Custom()
    lines = fields.Many(fields.Part(LineRequest), least=1, most=500, unique="id")


class OrderRequest(OrderChange):
    """An order to make; it stays a draft until it is placed."""

    id = fields.Uuid()
    company_id = fields.Known("companies")
    customer_id = fields.Known("contacts", required=True)
    lines = fields.Many(fields.Part(LineRequest), least=1, most=500, unique="id", required=True)


class ReasonRequest(Schema):
    """Why it is done, in a person's words."""

    reason = fields.Multiline(most=500, least=1, required=True)


class OrderView(Schema):
    """An order with its lines and what became of it."""

    id = fields.Uuid()
    number = fields.Text()
    status = fields.Choice(*ORDER_STATUSES)
    delivery_status = fields.Choice(*DELIVERY_STATUSES)
    invoice_status = fields.Choice(*INVOICE_STATUSES)
    payment_status = fields.Choice(*PAYMENT_STATUSES)
    hold_reason = fields.Text(allow_none=True)
    cancel_reason = fields.Text(allow_none=True)
    company_id = fields.Uuid(refers="companies")
    customer_id = fields.Uuid(refers="contacts")
    customer_name = fields.Text()
    quote_id = fields.Uuid(refers="quotes", allow_none=True)
    opportunity_id = fields.Uuid(allow_none=True)
    owner_id = fields.Uuid(allow_none=True)
    currency = fields.Text()
    requested_date = fields.Day(allow_none=True)
    payment_terms = fields.Choice(*NET_DAYS)
    invoicing_policy = fields.Choice(*INVOICING_POLICIES)
    reference = fields.Text(allow_none=True)
    tags = fields.Many(fields.Text())
    custom = fields.Custom()
    lines = fields.Many(fields.Part(OrderLineView))
    net_total = fields.Amount()
    tax_total = fields.Amount()
    gross_total = fields.Amount()
    placed_at = fields.Instant(allow_none=True)
    confirmed_at = fields.Instant(allow_none=True)
    completed_at = fields.Instant(allow_none=True)
    cancelled_at = fields.Instant(allow_none=True)
    created_at = fields.Instant()
    updated_at = fields.Instant()
    version = fields.Whole()


class _TermsView(Schema):
    """Of an order line what was agreed: the lines of a large order, old and new, fit into one event so."""

    product_id = fields.Uuid()
    quantity = fields.Quantity()
    unit_price = fields.Price()
    discount_percent = fields.Percent()
    tax_code = fields.Text()
    net = fields.Amount()


class ChangedOrder(OrderView):
    """How `changes` of an event shows an order."""

    lines = fields.Many(fields.Part(_TermsView))


class ChangedQuote(QuoteView):
    """How `changes` of an event shows a quote."""

    lines = fields.Many(fields.Part(_TermsView))


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

QUOTES = Listing(
    filters={
        "status": fields.Choice(*QUOTE_STATUSES),
        "customer_id": fields.Uuid(),
        "opportunity_id": fields.Uuid(),
        "owner_id": fields.Uuid(),
        "number": fields.Text(),
        "valid_until": fields.Day(),
        "created_at": fields.Instant(),
        "gross_total": fields.Amount(),
    },
    sorts=("created_at", "number", "gross_total"),
    search=("number", "customer_name"),
)

ORDERS = Listing(
    filters={
        "status": fields.Choice(*ORDER_STATUSES),
        "delivery_status": fields.Choice(*DELIVERY_STATUSES),
        "invoice_status": fields.Choice(*INVOICE_STATUSES),
        "payment_status": fields.Choice(*PAYMENT_STATUSES),
        "customer_id": fields.Uuid(),
        "quote_id": fields.Uuid(),
        "owner_id": fields.Uuid(),
        "number": fields.Text(),
        "created_at": fields.Instant(),
        "gross_total": fields.Amount(),
    },
    sorts=("created_at", "number", "gross_total"),
    search=("number", "customer_name"),
)

_READ_QUOTES, _WRITE_QUOTES = "sales.quotes:read", "sales.quotes:write"
_READ_ORDERS, _WRITE_ORDERS = "sales.orders:read", "sales.orders:write"

preview_quote = Operation(
    "POST /v1/quotes/preview",
    "Price lines without storing anything",
    _READ_QUOTES,
    request=PreviewRequest,
    response=PreviewView,
    idempotency="none",
)
create_quote = Operation(
    "POST /v1/quotes", "Make a draft quote", _WRITE_QUOTES, request=QuoteRequest, response=QuoteView, status=201
)
get_quote = Operation("GET /v1/quotes/{id}", "One quote", _READ_QUOTES, response=QuoteView)
list_quotes = Operation("GET /v1/quotes", "Quotes by filter", _READ_QUOTES, response=QuoteView, listing=QUOTES)
patch_quote = Operation(
    "PATCH /v1/quotes/{id}", "Change a draft quote", _WRITE_QUOTES, request=QuoteChange, response=QuoteView
)
send_quote = Operation("POST /v1/quotes/{id}/send", "Send a quote", _WRITE_QUOTES, response=QuoteView)
accept_quote = Operation(
    "POST /v1/quotes/{id}/accept",
    "Note that the customer accepted: a draft order is made, see order_id",
    _WRITE_QUOTES,
    response=QuoteView,
)
refuse_quote = Operation(
    "POST /v1/quotes/{id}/refuse",
    "Note that the customer refused",
    _WRITE_QUOTES,
    request=ReasonRequest,
    response=QuoteView,
)
revise_quote = Operation(
    "POST /v1/quotes/{id}/revise", "Make a quote that was sent a draft again", _WRITE_QUOTES, response=QuoteView
)
cancel_quote = Operation("POST /v1/quotes/{id}/cancel", "Withdraw a quote", _WRITE_QUOTES, response=QuoteView)

create_order = Operation(
    "POST /v1/orders", "Make a draft order", _WRITE_ORDERS, request=OrderRequest, response=OrderView, status=201
)
get_order = Operation("GET /v1/orders/{id}", "One order", _READ_ORDERS, response=OrderView)
list_orders = Operation("GET /v1/orders", "Orders by filter", _READ_ORDERS, response=OrderView, listing=ORDERS)
patch_order = Operation(
    "PATCH /v1/orders/{id}", "Change a draft order", _WRITE_ORDERS, request=OrderChange, response=OrderView
)
delete_order = Operation("DELETE /v1/orders/{id}", "Delete a draft order", _WRITE_ORDERS, status=204)
place_order = Operation(
    "POST /v1/orders/{id}/place",
    "Place an order: prices are frozen, credit and stock are asked",
    _WRITE_ORDERS,
    response=OrderView,
    idempotency="required",
)
release_hold = Operation(
    "POST /v1/orders/{id}/release_hold",
    "Let an order pass although credit was held; never by who placed it",
    "sales.orders:release",
    response=OrderView,
)
cancel_order = Operation(
    "POST /v1/orders/{id}/cancel",
    "Cancel an order before anything shipped",
    _WRITE_ORDERS,
    request=ReasonRequest,
    response=OrderView,
)

PERMISSIONS = {
    "sales.quotes:read": ("see quotes", "voir les devis"),
    "sales.quotes:write": ("write quotes and record their outcome", "rédiger des devis et noter leur issue"),
    "sales.orders:read": ("see orders and how far they are", "voir les commandes et leur avancement"),
    "sales.orders:write": ("write, place and cancel orders", "rédiger, passer et annuler des commandes"),
    "sales.orders:release": ("release orders that are held", "débloquer des commandes retenues"),
    "sales.prices:override": (
        "sell at another price than the list price",
        "vendre à un autre prix que le prix catalogue",
    ),
}
"""What each permission lets its holder do, in English and French."""
