"""Events of deliveries."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from shared.schema.contract import Data, Event


class ShippedLine(Data):
    """What left for one order line, in the unit of the order line."""

    order_line_id: UUID
    product_id: UUID
    quantity: Decimal


class ReadyLine(Data):
    """What lies ready for one order line, in the unit of the order line."""

    order_line_id: UUID
    product_id: UUID
    quantity: Decimal


class DeliveryReady(Event, type="erp_inventory.delivery.ready", number=0x288, permission="inventory.deliveries:read"):
    """All goods of a delivery are set aside and its order is confirmed: they may leave."""

    delivery_id: UUID
    number: str
    order_id: UUID
    company_id: UUID
    customer_id: UUID
    lines: list[ReadyLine]


class DeliveryShipped(
    Event, type="erp_inventory.delivery.shipped", number=0xD4D, permission="inventory.deliveries:read"
):
    """Goods left the warehouse for a customer: revenue is due. `backorder_id` is the delivery of the rest, if any.

    `passes_soft_locks`: who shipped may write into softly locked periods.
    """

    delivery_id: UUID
    number: str
    order_id: UUID
    company_id: UUID
    customer_id: UUID
    shipped_on: date
    lines: list[ShippedLine]
    backorder_id: UUID | None = None
    passes_soft_locks: bool = False
