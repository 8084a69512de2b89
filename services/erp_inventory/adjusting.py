"""Flow: stock is counted or corrected → posted at once → waiting orders are served from what came in."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from erp_inventory.backdating import on_hand_at
from erp_inventory.ledger import Document, Move, Place, lock_shelves, save_shelves, write_moves
from erp_inventory.models import AdjustmentLine, Product, StockAdjustment, Warehouse
from erp_inventory.models.adjustment import require_quantities
from erp_inventory.models.places import DEFAULT_WAREHOUSE_ID, INVENTORY_LOCATION_ID, STOCK_LOCATION_ID
from erp_inventory.shelf import Shelf
from erp_inventory.shortages import fill_shortages
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import command
from shared.kernel.context import current
from shared.kernel.ids import new_id
from shared.kernel.money import ZERO
from shared.kernel.refusals import Invalid
from shared.storage.closed_periods import document_day
from shared.storage.outbox import publish


class Adjusting:
    """Stock adjustments: in at a given cost, out at average cost, never below what is reserved."""

    @command(inventory.StockAdjustment.create)
    def create_stock_adjustment(self, session: Session, request: dict[str, Any]) -> StockAdjustment:
        """Stock is corrected. Finance posts the value from StockMoved, orders learn from StockReserved what they got."""
        require_quantities(request["lines"])
        warehouse_id, location_id = _place(session, request)
        _check_products(session, request)
        company_id = current(session).company_id
        day = document_day(session, company_id, request.get("date"))
        shelves = lock_shelves(session, location_id, [line["product_id"] for line in request["lines"]])
        adjustment = StockAdjustment(
            id=request.get("id") or new_id(),
            warehouse_id=warehouse_id,
            reason=request["reason"],
            company_id=company_id,
            date=day,
            value=ZERO,
        )
        then = on_hand_at(session, shelves, day)
        for place, line in enumerate(request["lines"]):
            shelf = _shelf(session, shelves, line["product_id"], place)
            adjustment.correct(shelf, line, then[shelf.product_id])
        session.add(adjustment)
        session.flush()
        _post(session, adjustment, Place(location_id, "internal"), shelves)
        fill_shortages(session, shelves)
        save_shelves(session, shelves.values())
        return adjustment


def _place(session: Session, request: dict[str, Any]) -> tuple[UUID, UUID]:
    warehouse_id = request.get("warehouse_id", DEFAULT_WAREHOUSE_ID)
    if warehouse_id == DEFAULT_WAREHOUSE_ID and current(session).companies is None:
        return DEFAULT_WAREHOUSE_ID, STOCK_LOCATION_ID
    warehouse = session.get(Warehouse, warehouse_id)
    if warehouse is None:
        raise Invalid.at("/warehouse_id", "not_found")
    return warehouse.id, warehouse.stock_location_id


def _check_products(session: Session, request: dict[str, Any]) -> None:
    """Shelves are locked by raw SQL: goods of companies that the caller may not see are refused before."""
    if current(session).companies is None:
        return
    seen = set(session.scalars(select(Product.id).where(Product.id.in_([n["product_id"] for n in request["lines"]]))))
    errors = [
        {"pointer": f"/lines/{place}/product_id", "code": "not_found"}
        for place, line in enumerate(request["lines"])
        if line["product_id"] not in seen
    ]
    if errors:
        raise Invalid(errors)


def _shelf(session: Session, shelves: dict[UUID, Shelf], product_id: UUID, place: int) -> Shelf:
    if product_id not in shelves:
        code = "not_stocked" if session.get(Product, product_id) else "not_found"
        raise Invalid.at(f"/lines/{place}/product_id", code)
    return shelves[product_id]


def _post(session: Session, adjustment: StockAdjustment, stock: Place, shelves: dict[UUID, Shelf]) -> None:
    """The moves of the lines that change something; a count that was right moves nothing."""
    moves = [_move(line, stock) for line in adjustment.lines if line.quantity_delta]
    if moves:
        document = Document("adjustment", adjustment.id, adjustment.number, adjustment.company_id, adjustment.date)
        publish(session, write_moves(session, document, moves, shelves))


def _move(line: AdjustmentLine, stock: Place) -> Move:
    loss = Place(INVENTORY_LOCATION_ID, "inventory")
    origin, destination = (loss, stock) if line.quantity_delta > 0 else (stock, loss)
    return Move(line.id, line.product_id, origin, destination, abs(line.quantity_delta), line.unit, abs(line.value))
