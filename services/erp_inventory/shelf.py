"""What may happen to the stock of one product at one location, and how free stock is shared among who waits for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from erp_inventory.costing import issue_value
from erp_inventory.errors import InsufficientStock
from shared.kernel.money import ZERO, total


@dataclass(slots=True)
class Shelf:
    """The locked stock level of one product: 0 <= reserved <= on_hand, and no stock means no value.

    `moved_on` is the latest day of its moves.
    """

    product_id: UUID
    location_id: UUID
    on_hand: Decimal
    reserved: Decimal
    value: Decimal
    unit: str
    type: str = "goods"
    standard_cost: Decimal | None = None
    moved_on: date | None = None

    @property
    def available(self) -> Decimal:
        return self.on_hand - self.reserved

    def receive(self, quantity: Decimal, value: Decimal) -> None:
        """Goods arrive at cost. Raises OutOfRange."""
        self.on_hand, self.value = total((self.on_hand, quantity)), total((self.value, value))

    def issue(self, quantity: Decimal) -> Decimal:
        """Free goods leave; returns their value. Raises InsufficientStock."""
        if quantity > self.available:
            raise InsufficientStock(
                product_id=self.product_id,
                requested=quantity,
                on_hand=self.on_hand,
                reserved=self.reserved,
                available=self.available,
            )
        value = issue_value(quantity, self.on_hand, self.value)
        self.on_hand -= quantity
        self.value -= value
        return value

    def note_move(self, day: date) -> None:
        """A move of that day was written."""
        self.moved_on = max(day, self.moved_on or day)

    def reserve(self, wanted: Decimal) -> Decimal:
        """Set aside as much of what is wanted as is free; returns how much."""
        granted = max(ZERO, min(wanted, self.available))
        self.reserved += granted
        return granted

    def release(self, quantity: Decimal) -> None:
        """What was set aside is free again."""
        self.reserved -= quantity

    def ship(self, quantity: Decimal) -> Decimal:
        """Goods that were set aside leave; returns their value."""
        self.release(quantity)
        return self.issue(quantity)


@dataclass(frozen=True, slots=True)
class Shortage:
    """What one delivery line still waits for."""

    delivery_line_id: UUID
    delivery_id: UUID
    product_id: UUID
    missing: Decimal


def share_out(shelves: Mapping[UUID, Shelf], shortages: Iterable[Shortage]) -> dict[UUID, Decimal]:
    """Give free stock to shortages in the order in which they come; returns delivery line → quantity granted."""
    granted = {s.delivery_line_id: shelves[s.product_id].reserve(s.missing) for s in shortages}
    return {line: quantity for line, quantity in granted.items() if quantity > 0}
