"""What may happen between an order and its goods."""

from tests.auditor.corruptions.corruption import BOOKS, NEW_ID, SALES, STOCK, corrupt, first, one

OPEN_READY = "(SELECT id FROM delivery WHERE status = 'ready')"

ORDERS = [
    corrupt(
        "the warehouse forgot an order",
        "I9",
        STOCK,
        "DELETE FROM customer_order o WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.order_id = o.order_id)",
    ),
    corrupt(
        "an order is answered twice",
        "I9",
        STOCK,
        first("delivery", "backorder_of_id = NULL", "backorder_of_id IS NOT NULL"),
    ),
    corrupt(
        "an answer without an order",
        "I9",
        STOCK,
        f"INSERT INTO customer_order (order_id, placed_at) VALUES ({NEW_ID}, now())",
    ),
    corrupt(
        "a reservation is opened again after the cancellation",
        "I10 I11 I24",
        STOCK,
        "INSERT INTO reservation SELECT l.id, d.id, d.order_id, l.product_id, d.location_id, d.placed_at, l.quantity, 1"
        " FROM delivery d JOIN delivery_line l ON l.delivery_id = d.id JOIN customer_order o ON o.order_id = d.order_id"
        " WHERE d.status = 'cancelled' AND o.cancelled_at IS NOT NULL LIMIT 1",
    ),
    corrupt(
        "a reservation is opened again for the rest of an order that was overtaken",
        "I10 I11 I24",
        STOCK,
        "INSERT INTO reservation SELECT l.id, d.id, d.order_id, l.product_id, d.location_id, d.placed_at, l.quantity, 1"
        " FROM delivery d JOIN delivery_line l ON l.delivery_id = d.id"
        " WHERE d.status = 'cancelled' AND d.backorder_of_id IS NOT NULL LIMIT 1",
    ),
    corrupt(
        "a confirmation is forgotten",
        "I10",
        STOCK,
        first("delivery", "confirmed = false, status = 'waiting'", "status = 'ready'"),
    ),
    corrupt(
        "goods of a confirmed order are taken away",
        "I10 I24",
        STOCK,
        first("reservation", "reserved = reserved - 1", f"delivery_id IN {OPEN_READY}", key="delivery_line_id"),
    ),
    corrupt(
        "a delivery is prepared without confirmation",
        "I10",
        SALES,
        first("sales_order", "confirmed_at = NULL", "delivery_status = 'reserved' AND status = 'confirmed'"),
    ),
    corrupt(
        "sales counts too much as delivered",
        "I11",
        SALES,
        first("order_line", "delivered_quantity = delivered_quantity + 1", "kind = 'goods' AND delivered_quantity > 0"),
    ),
    corrupt(
        "finance counts too little as delivered",
        "I11",
        BOOKS,
        first(
            "sales_order_line",
            "delivered_quantity = delivered_quantity - 1",
            "delivered_quantity > 0 AND kind = 'goods'",
        ),
    ),
    corrupt(
        "more is on its way than was ordered",
        "I11 I24",
        STOCK,
        "UPDATE delivery_line SET quantity = quantity + 1 WHERE "
        + one("delivery_line", "delivery_id IN (SELECT id FROM delivery WHERE status = 'waiting')"),
    ),
    corrupt(
        "another product is on its way",
        "I11 I24",
        STOCK,
        f"UPDATE delivery_line SET product_id = {NEW_ID} WHERE "
        + one("delivery_line", "delivery_id IN (SELECT id FROM delivery WHERE status = 'waiting')"),
    ),
    corrupt(
        "less left than was delivered", "I10 I11 I12 I22", STOCK, first("delivery_line", "done = done - 1", "done > 1")
    ),
    corrupt(
        "delivered for a line that nobody ordered",
        "I10 I11 I12",
        STOCK,
        first("delivery_line", f"order_line_id = {NEW_ID}", "done > 0"),
    ),
]
