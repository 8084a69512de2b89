"""Events and operations of `crm_sales`."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from shared.contract import Event


@dataclass(frozen=True, kw_only=True)
class PlacedLine:
    """One order line with its price frozen. `net` is after discount, before tax."""

    line_id: UUID
    product_id: UUID
    description: str
    kind: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    discount_percent: Decimal
    net: Decimal
    tax_code: str
    tax_rate: Decimal


@dataclass(frozen=True, kw_only=True)
class OrderPlaced(Event):
    """A customer ordered: credit and stock are asked to answer."""

    type: ClassVar[str] = "crm_sales.order.placed"
    order_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    customer_name: str
    currency: str
    placed_on: date
    payment_days: int
    invoicing_policy: str
    net_total: Decimal
    tax_total: Decimal
    gross_total: Decimal
    lines: list[PlacedLine]


@dataclass(frozen=True, kw_only=True)
class OrderConfirmed(Event):
    """Credit and stock both said yes: the delivery may be prepared."""

    type: ClassVar[str] = "crm_sales.order.confirmed"
    order_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    gross_total: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class OrderHeld(Event):
    """The order waits for a person; `reason` is a stable code such as `credit_limit_exceeded`."""

    type: ClassVar[str] = "crm_sales.order.held"
    order_id: UUID
    number: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class HoldReleased(Event):
    """An authorised user let the order pass although credit was held."""

    type: ClassVar[str] = "crm_sales.order.hold_released"
    order_id: UUID
    number: str
    approved_by: str


@dataclass(frozen=True, kw_only=True)
class OrderBackordered(Event):
    """Stock could not be reserved completely; the order waits for goods."""

    type: ClassVar[str] = "crm_sales.order.backordered"
    order_id: UUID
    number: str


@dataclass(frozen=True, kw_only=True)
class OrderCancelled(Event):
    """The order was cancelled before anything shipped: reservations and credit are given back."""

    type: ClassVar[str] = "crm_sales.order.cancelled"
    order_id: UUID
    number: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderReinstated(Event):
    """Goods had left before the cancellation reached the warehouse: what shipped stands and is invoiced."""

    type: ClassVar[str] = "crm_sales.order.reinstated"
    order_id: UUID
    number: str


@dataclass(frozen=True, kw_only=True)
class OrderCompleted(Event):
    """Delivered, invoiced and paid."""

    type: ClassVar[str] = "crm_sales.order.completed"
    order_id: UUID
    number: str
    customer_id: UUID
    gross_total: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class QuoteAccepted(Event):
    """The customer accepted a quote; `order_id` is the draft order made from it."""

    type: ClassVar[str] = "crm_sales.quote.accepted"
    quote_id: UUID
    number: str
    order_id: UUID
    customer_id: UUID
