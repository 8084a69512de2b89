"""What may happen to the process of an order and to the credit of its customer."""

from tests.auditor.corruptions.corruption import BOOKS, SALES, STOCK, corrupt, first, one

ENDINGS = [
    corrupt(
        "a step is overdue",
        "I16",
        SALES,
        "UPDATE order_step SET deadline = now() - interval '1 hour' WHERE name = 'payment' AND "
        + one("order_step", "name = 'payment' AND status = 'pending'", key="order_id"),
    ),
    corrupt(
        "a cancellation is not compensated",
        "I16",
        SALES,
        "UPDATE order_step SET status = 'pending' WHERE name = 'stock' AND "
        + one(
            "order_step",
            "name = 'stock' AND status = 'compensated' AND order_id IN"
            " (SELECT id FROM sales_order WHERE status = 'cancelled')",
            key="order_id",
        ),
    ),
    corrupt(
        "the warehouse never heard of the cancellation",
        "I16",
        STOCK,
        "UPDATE customer_order SET cancelled_at = NULL WHERE "
        + one(
            "customer_order",
            "cancelled_at IS NOT NULL AND order_id IN"
            " (SELECT order_id FROM delivery WHERE status = 'cancelled' AND backorder_of_id IS NULL)",
            key="order_id",
        ),
    ),
    corrupt(
        "a completed order has a step that failed",
        "I16",
        SALES,
        "UPDATE order_step SET status = 'failed' WHERE name = 'payment' AND "
        + one("sales_order", "status = 'completed'", column="order_id"),
    ),
    corrupt(
        "the books never heard of the cancellation",
        "I16",
        BOOKS,
        first("sales_order", "status = 'open', credit = 'held'", "status = 'cancelled' AND invoiced_gross = 0"),
    ),
    corrupt(
        "the books hold credit for a completed order",
        "I16 I18",
        BOOKS,
        first(
            "sales_order",
            "open_amount = 5",
            "status = 'open' AND open_amount = 0 AND credit = 'approved' AND jsonb_array_length(deliveries) = 3",
        ),
    ),
    corrupt(
        "a completed order is unpaid after all",
        "I14 I15 I16 I18 I32",
        BOOKS,
        first(
            "invoice",
            "residual = 1, status = 'partially_paid'",
            "order_id IN (SELECT id FROM sales_order WHERE jsonb_array_length(deliveries) = 3)",
        ),
    ),
    corrupt(
        "a completed order has an open delivery",
        "I10 I11 I12 I16 I22 I24",
        STOCK,
        "UPDATE delivery SET status = 'ready', shipped_on = NULL WHERE "
        + one(
            "delivery",
            "backorder_of_id IS NOT NULL AND status = 'shipped' AND id IN (SELECT delivery_id FROM delivery_line"
            " GROUP BY 1 HAVING count(*) = 3)",
            "number DESC",
        ),
    ),
    corrupt(
        "a customer's open orders are counted wrong",
        "I18",
        BOOKS,
        first("customer_account", "open_orders = open_orders + 1", key="contact_id"),
    ),
    corrupt(
        "an order counts too much as open",
        "I18",
        BOOKS,
        first("sales_order", "open_amount = open_amount + 1", "open_amount > 0"),
    ),
    corrupt("an approval disappears", "I18", BOOKS, "DELETE FROM credit_approval"),
    corrupt(
        "an order over the limit passed by itself",
        "I18",
        BOOKS,
        "DELETE FROM credit_approval",
        first("sales_order", "credit = 'approved'", "credit = 'released'"),
    ),
    corrupt(
        "an order went on although its credit is held",
        "I18",
        BOOKS,
        first(
            "sales_order",
            "credit = 'held'",
            "credit = 'approved' AND open_amount > 0 AND status = 'open' AND customer_id ="
            " (SELECT customer_id FROM sales_order GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)",
        ),
    ),
    corrupt(
        "somebody approved his own order",
        "I18",
        SALES,
        first("sales_order", "placed_by = 'claire'", "credit_status = 'overridden'"),
    ),
]
