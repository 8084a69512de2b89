"""Events of stock: what orders got, and what moved."""

from datetime import date
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from shared.schema.contract import Amount, Data, Event


class StockFact(Data):
    """Who may see stock sees its events."""

    permission: ClassVar[str] = "inventory.stock:read"


class ReservedLine(Data):
    """How much of an order line is reserved so far."""

    order_line_id: UUID
    product_id: UUID
    quantity: Decimal
    reserved: Decimal


class StockReserved(StockFact, Event, type="erp_inventory.stock.reserved", number=0x4ED, about="delivery"):
    """Stock answered for an order: complete, or with shortages that are filled as goods arrive (sent again then)."""

    order_id: UUID
    delivery_id: UUID
    delivery_number: str
    complete: bool
    lines: list[ReservedLine]


class StockReleased(StockFact, Event, type="erp_inventory.stock.released", number=0xEAD, about="order"):
    """The reservations of a cancelled order were given back. `shipped` tells that goods had already left."""

    order_id: UUID
    shipped: bool


class MovedLine(Data):
    """One stock move and its value at cost (always positive) in the company's currency."""

    move_id: UUID
    product_id: UUID
    quantity: Decimal
    unit: str
    from_usage: str
    to_usage: str
    value: Amount


class StockMoved(StockFact, Event, type="erp_inventory.stock.moved", number=0xC37):
    """Goods moved between locations: the one carrier of stock value. One event per document.

    `passes_soft_locks`: who dated the document may write into softly locked periods.
    """

    document_id: UUID
    document_type: str
    document_number: str
    company_id: UUID
    currency: str
    moved_on: date
    order_id: UUID | None
    lines: list[MovedLine]
    passes_soft_locks: bool = False
