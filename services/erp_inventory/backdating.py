"""What is dated back must have been there: on its day, and at the end of every day since.

What holds of a level now holds of it on every date: never negative in quantity or value, and no stock means no value.
Levels are locked, and known as they are now, so what they were at the end of an earlier day follows from the moves since.
A level knows the day of its latest move; only a document that is older than that needs to look.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from erp_inventory.errors import InsufficientStockThen
from erp_inventory.shelf import Shelf

_LATER = (
    "WITH later AS (SELECT product_id, moved_on, sum(quantity) AS quantity, sum(value) AS value FROM ("
    " SELECT product_id, moved_on, quantity, value FROM stock_move"
    " WHERE to_location_id = :location AND product_id = ANY(:products) AND moved_on > :day"
    " UNION ALL SELECT product_id, moved_on, -quantity, -value FROM stock_move"
    " WHERE from_location_id = :location AND product_id = ANY(:products) AND moved_on > :day) AS legs"
    " GROUP BY product_id, moved_on)"
)
_CAME = text(f"{_LATER} SELECT product_id, sum(quantity) AS quantity FROM later GROUP BY product_id")
_BROKEN = text(
    f"{_LATER}, level AS (SELECT * FROM unnest(CAST(:products AS uuid[]), CAST(:on_hand AS numeric[]),"
    " CAST(:value AS numeric[])) AS l (product_id, on_hand, value)),"
    " days AS (SELECT product_id, moved_on AS day, quantity, value FROM later"
    " UNION ALL SELECT product_id, CAST(:day AS date), 0, 0 FROM level),"
    " ends AS (SELECT product_id, day, level.on_hand - coalesce(sum(days.quantity) OVER afterwards, 0) AS on_hand,"
    " level.value - coalesce(sum(days.value) OVER afterwards, 0) AS value FROM days JOIN level USING (product_id)"
    " WINDOW afterwards AS (PARTITION BY product_id ORDER BY day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))"
    " SELECT product_id, day, on_hand, value FROM ends"
    " WHERE on_hand < 0 OR value < 0 OR (on_hand = 0 AND value <> 0) ORDER BY day, product_id LIMIT 1"
)


def on_hand_at(session: Session, shelves: Mapping[UUID, Shelf], day: date) -> dict[UUID, Decimal]:
    """How much lay on locked shelves (of one location) at the end of a day."""
    levels = {shelf.product_id: shelf.on_hand for shelf in shelves.values()}
    moved = _moved_after(shelves.values(), day)
    came = session.execute(_CAME, _keys(moved, day)) if moved else ()
    return levels | {row.product_id: levels[row.product_id] - row.quantity for row in came}


def require_enough_since(session: Session, shelves: Collection[Shelf], day: date) -> None:
    """Whether shelves, as they are after a document of a day that took goods from them, had enough on every day since.

    Raises InsufficientStockThen.
    """
    moved = _moved_after(shelves, day)
    if not moved:
        return
    levels = {"on_hand": [shelf.on_hand for shelf in moved], "value": [shelf.value for shelf in moved]}
    broken = session.execute(_BROKEN, {**_keys(moved, day), **levels}).one_or_none()
    if broken is not None:
        raise InsufficientStockThen(
            product_id=broken.product_id, date=broken.day, on_hand=broken.on_hand, value=broken.value
        )


def _moved_after(shelves: Collection[Shelf], day: date) -> list[Shelf]:
    return [shelf for shelf in shelves if shelf.moved_on is not None and shelf.moved_on > day]


def _keys(shelves: list[Shelf], day: date) -> dict[str, object]:
    products = [shelf.product_id for shelf in shelves]
    return {"location": shelves[0].location_id, "products": products, "day": day}
