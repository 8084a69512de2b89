"""Events of orders."""

from dataclasses import field
from datetime import date
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from shared.schema.contract import Amount, Changes, Data, Event


class OrderFact(Data):
    """What every event of an order carries."""

    order_id: UUID
    number: str

    permission: ClassVar[str] = "sales.orders:read"


class OrderState(OrderFact):
    """What the events of a draft order carry: the order after the change."""

    status: str
    company_id: UUID
    customer_id: UUID
    quote_id: UUID | None
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    product_ids: list[UUID] = field(default_factory=list)


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


class OrderCreated(OrderState, Event, type="crm_sales.order.created", number=0xE2F):
    """A draft order was made, by hand or from a quote; nobody else is concerned before it is placed."""


class OrderChanged(OrderState, Event, type="crm_sales.order.changed", number=0x8E6):
    """A draft order was changed, or cancelled before it was placed. Of its lines, `changes` shows product and price."""

    changes: Changes = field(default_factory=dict)


class OrderDeleted(OrderFact, Event, type="crm_sales.order.deleted", number=0x5D6):
    """A draft order is gone."""

    company_id: UUID


class OrderPlaced(OrderFact, Event, type="crm_sales.order.placed", number=0xDC7):
    """A customer ordered: credit and stock are asked to answer."""

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


class OrderConfirmed(OrderFact, Event, type="crm_sales.order.confirmed", number=0x13B):
    """Credit and stock both said yes: the delivery may be prepared."""

    company_id: UUID
    customer_id: UUID
    gross_total: Amount
    currency: str


class OrderHeld(OrderFact, Event, type="crm_sales.order.held", number=0xE88):
    """The order waits for a person; `reason` is a stable code such as `credit_limit_exceeded`."""

    reason: str


class HoldReleased(OrderFact, Event, type="crm_sales.order.hold_released", number=0xAB3):
    """An authorised user let the order pass although credit was held."""

    approved_by: str


class OrderBackordered(OrderFact, Event, type="crm_sales.order.backordered", number=0x83D):
    """Stock could not be reserved completely; the order waits for goods."""


class OrderCancelled(OrderFact, Event, type="crm_sales.order.cancelled", number=0xE0B):
    """The order was cancelled before anything shipped: reservations and credit are given back."""

    reason: str


class OrderReinstated(OrderFact, Event, type="crm_sales.order.reinstated", number=0xB9A):
    """Goods had left before the cancellation reached the warehouse: what shipped stands and is invoiced."""


class OrderCompleted(OrderFact, Event, type="crm_sales.order.completed", number=0xEB4):
    """Delivered, invoiced and paid."""

    customer_id: UUID
    gross_total: Amount
    currency: str
