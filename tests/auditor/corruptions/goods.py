"""What may happen to stock, its moves and its reservations."""

from tests.auditor.corruptions.corruption import NEW_ID, STOCK, corrupt, first, one

FREE_POSITIONS = "ALTER TABLE stock_move ALTER COLUMN position DROP IDENTITY"

GOODS = [
    corrupt("one piece more on hand", "I22", STOCK, first("stock_level", "on_hand = on_hand + 1")),
    corrupt(
        "a move of another quantity",
        "I22",
        STOCK,
        first("stock_move", "quantity = quantity + 1", "from_usage = 'inventory'", "position DESC"),
    ),
    corrupt(
        "a move to a place that does not exist",
        "I22",
        STOCK,
        first("stock_move", f"to_location_id = {NEW_ID}", "to_usage = 'customer'"),
    ),
    corrupt(
        "stock is worth more than its moves", "I22 I32", STOCK, first("stock_level", "value = value + 1", "on_hand > 0")
    ),
    corrupt(
        "a move disappears",
        "I22 I30",
        STOCK,
        "DELETE FROM stock_move WHERE " + one("stock_move", "from_usage = 'inventory'", "position DESC"),
    ),
    corrupt(
        "goods are said to have left before they came",
        "I23",
        STOCK,
        first(
            "stock_move", "moved_on = moved_on - 1", "from_usage = 'internal' AND to_usage = 'inventory'", "position"
        ),
    ),
    corrupt(
        "two moves are swapped",
        "I23",
        STOCK,
        FREE_POSITIONS,
        "WITH ends AS (SELECT product_id, min(position) AS a, max(position) FILTER (WHERE from_usage = 'internal') AS b"
        " FROM stock_move GROUP BY 1 HAVING count(*) FILTER (WHERE from_usage = 'internal') > 0 ORDER BY 1 LIMIT 1),"
        " gone AS (SELECT a, b FROM ends) UPDATE stock_move SET position = -position FROM gone WHERE position IN (a, b)",
        "WITH ends AS (SELECT min(position) AS b, max(position) AS a FROM stock_move WHERE position < 0)"
        " UPDATE stock_move SET position = CASE position WHEN a THEN -b ELSE -a END FROM ends WHERE position < 0",
    ),
    corrupt(
        "more is reserved than is there",
        "I23 I24",
        STOCK,
        "ALTER TABLE stock_level DROP CONSTRAINT ck_stock_level_reserved",
        first("stock_level", "reserved = on_hand + 1"),
    ),
    corrupt(
        "a reserved quantity is not the sum of its reservations",
        "I24",
        STOCK,
        first("stock_level", "reserved = reserved - 1", "reserved > 0"),
    ),
    corrupt(
        "a waiting line lost its reservation",
        "I24",
        STOCK,
        "DELETE FROM reservation WHERE "
        + one(
            "reservation", "delivery_id IN (SELECT id FROM delivery WHERE status = 'waiting')", key="delivery_line_id"
        ),
    ),
    corrupt(
        "goods are set aside for another delivery",
        "I24",
        STOCK,
        f"UPDATE reservation SET delivery_id = {NEW_ID} WHERE " + one("reservation", key="delivery_line_id"),
    ),
]
