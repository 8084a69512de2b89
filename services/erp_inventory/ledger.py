"""The stock ledger in the database: levels are locked in one order, changed in memory, written back in one statement.

Everybody who changes stock locks the levels first, sorted by product; only then deliveries of waiting orders. That is
why sixteen clients on one product queue up instead of deadlocking.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from erp_inventory.backdating import require_enough_since
from erp_inventory.models import StockMove
from erp_inventory.models.base import CURRENCY
from erp_inventory.shelf import Shelf
from shared.contracts import erp_inventory as inventory
from shared.kernel import clock, ids
from shared.storage.closed_periods import passes_soft_locks

_LOCK = text(
    "SELECT l.product_id, l.location_id, l.on_hand, l.reserved, l.value, l.moved_on, p.unit, p.type, p.standard_cost"
    " FROM stock_level l JOIN product p ON p.id = l.product_id"
    " WHERE l.location_id = :location AND l.product_id = ANY(:products) ORDER BY l.product_id FOR UPDATE OF l"
)
_OPEN = text(
    "INSERT INTO stock_level (id, product_id, location_id, warehouse_id, on_hand, reserved, value,"
    " version, created_at, updated_at)"
    " SELECT n.id, p.id, w.id, w.warehouse_id, 0, 0, 0, 1, :now, :now"
    " FROM unnest(CAST(:products AS uuid[]), CAST(:ids AS uuid[])) AS n (product_id, id)"
    " JOIN product p ON p.id = n.product_id AND p.type <> 'service'"
    " JOIN location w ON w.id = :location AND w.usage = 'internal'"
    " ORDER BY p.id ON CONFLICT (product_id, location_id) DO NOTHING"
)
_SAVE = text(
    "UPDATE stock_level AS l SET on_hand = n.on_hand, reserved = n.reserved, value = n.value,"
    " moved_on = n.moved_on, version = l.version + 1, updated_at = :now"
    " FROM unnest(CAST(:products AS uuid[]), CAST(:locations AS uuid[]), CAST(:on_hand AS numeric[]),"
    " CAST(:reserved AS numeric[]), CAST(:value AS numeric[]), CAST(:moved_on AS date[]))"
    " AS n (product_id, location_id, on_hand, reserved, value, moved_on)"
    " WHERE l.product_id = n.product_id AND l.location_id = n.location_id"
)


def lock_shelves(session: Session, location_id: UUID, product_ids: Collection[UUID]) -> dict[UUID, Shelf]:
    """Lock the levels of some products at an internal location until the transaction ends.

    A product that has none there yet gets one; services and unknown products are left out.
    """
    products = sorted(set(product_ids))
    shelves = _locked(session, location_id, products)
    if len(shelves) < len(products):
        open_shelves(session, location_id, [p for p in products if p not in shelves])
        shelves = _locked(session, location_id, products)
    return shelves


def _locked(session: Session, location_id: UUID, products: list[UUID]) -> dict[UUID, Shelf]:
    rows = session.execute(_LOCK, {"location": location_id, "products": products})
    return {row.product_id: Shelf(**row._mapping) for row in rows}


def open_shelves(session: Session, location_id: UUID, product_ids: list[UUID]) -> None:
    """Give products an empty level at an internal location."""
    level_ids = [ids.new_id() for _ in product_ids]
    session.execute(_OPEN, {"location": location_id, "products": product_ids, "ids": level_ids, "now": clock.now()})


def save_shelves(session: Session, shelves: Iterable[Shelf]) -> None:
    """Write locked levels back."""
    rows = list(shelves)
    session.execute(
        _SAVE,
        {
            "products": [shelf.product_id for shelf in rows],
            "locations": [shelf.location_id for shelf in rows],
            "on_hand": [shelf.on_hand for shelf in rows],
            "reserved": [shelf.reserved for shelf in rows],
            "value": [shelf.value for shelf in rows],
            "moved_on": [shelf.moved_on for shelf in rows],
            "now": clock.now(),
        },
    )


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a move."""

    location_id: UUID
    usage: str


@dataclass(frozen=True, slots=True)
class Document:
    """The document that moves goods: every move names it, and so does the event that carries their value."""

    type: str
    id: UUID
    number: str
    company_id: UUID
    moved_on: date
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """Goods that go from one place to another for one line of a document."""

    line_id: UUID
    product_id: UUID
    origin: Place
    destination: Place
    quantity: Decimal
    unit: str
    value: Decimal


def write_moves(
    session: Session, document: Document, moves: list[Move], shelves: Mapping[UUID, Shelf]
) -> inventory.StockMoved:
    """Enter a document's moves, which have changed these shelves, into the ledger; returns the fact to publish.

    The shelves are saved afterwards. Raises InsufficientStockThen when goods that are dated back were not there.
    """
    move_ids = [ids.new_id() for _ in moves]
    rows = [_row(document, move, move_id) for move, move_id in zip(moves, move_ids, strict=True)]
    session.execute(insert(StockMove), rows)
    taken = {move.product_id for move in moves if move.origin.usage == "internal"}
    require_enough_since(session, [shelves[product] for product in sorted(taken)], document.moved_on)
    for move in moves:
        shelves[move.product_id].note_move(document.moved_on)
    return inventory.StockMoved(
        document_id=document.id,
        document_type=document.type,
        document_number=document.number,
        company_id=document.company_id,
        currency=CURRENCY,
        moved_on=document.moved_on,
        order_id=document.order_id,
        lines=[_line(move, move_id) for move, move_id in zip(moves, move_ids, strict=True)],
        passes_soft_locks=passes_soft_locks(session),
    )


def _row(document: Document, move: Move, move_id: UUID) -> dict[str, object]:
    return {
        "id": move_id,
        "company_id": document.company_id,
        "product_id": move.product_id,
        "from_location_id": move.origin.location_id,
        "to_location_id": move.destination.location_id,
        "from_usage": move.origin.usage,
        "to_usage": move.destination.usage,
        "quantity": move.quantity,
        "unit": move.unit,
        "value": move.value,
        "moved_on": document.moved_on,
        "document_type": document.type,
        "document_id": document.id,
        "document_number": document.number,
        "document_line_id": move.line_id,
        "order_id": document.order_id,
        "created_at": clock.now(),
    }


def _line(move: Move, move_id: UUID) -> inventory.MovedLine:
    return inventory.MovedLine(
        move_id=move_id,
        product_id=move.product_id,
        quantity=move.quantity,
        unit=move.unit,
        from_usage=move.origin.usage,
        to_usage=move.destination.usage,
        value=move.value,
    )
