"""I16: orders end as they should: completed with everything done, or cancelled with everything undone, in time."""

from deploy.auditor.findings import Findings, Rule, World, checks
from deploy.auditor.joins import joined

_OVERDUE = Rule(
    "crm_sales",
    counted="SELECT count(*) FROM order_step",
    broken="""
    SELECT s.order_id, o.number, s.name, s.waits_for, s.deadline, s.deadline AS since
    FROM order_step s JOIN sales_order o ON o.id = s.order_id WHERE s.status = 'pending' AND s.deadline < %(now)s""",
    sentence="{number} waits for {waits_for} (step {name}) since before {deadline:%Y-%m-%d %H:%M:%S}",
)
_COMPENSATED = Rule(
    "crm_sales",
    counted="SELECT count(*) FROM sales_order WHERE status = 'cancelled'",
    broken="""
    SELECT o.id AS order_id, o.number, o.credit_status, o.stock_status, o.updated_at AS since FROM sales_order o
    WHERE o.status = 'cancelled' AND o.placed_at IS NOT NULL AND (o.credit_status <> 'released'
        OR o.stock_status <> 'released' OR (SELECT count(*) FROM order_step s
            WHERE s.order_id = o.id AND s.name IN ('credit', 'stock') AND s.status = 'compensated') <> 2)""",
    sentence="{number} is cancelled, but credit is {credit_status} and stock {stock_status}",
)
_DONE = Rule(
    "crm_sales",
    counted="SELECT count(*) FROM sales_order WHERE status = 'completed'",
    broken="""
    SELECT o.id AS order_id, o.number, o.updated_at AS since FROM sales_order o WHERE o.status = 'completed'
        AND ((o.delivery_status, o.invoice_status, o.payment_status) <> ('delivered', 'invoiced', 'paid')
            OR EXISTS (SELECT 1 FROM order_step s WHERE s.order_id = o.id AND s.status IN ('pending', 'failed')))""",
    sentence="{number} is completed with a step that is not done",
)
_ENDED = (
    "SELECT id, number, status, updated_at FROM sales_order WHERE status IN ('completed', 'cancelled')"
    " AND placed_at IS NOT NULL ORDER BY id"
)
_WAREHOUSE = """
    SELECT o.order_id, count(d.id) FILTER (WHERE d.status IN ('waiting', 'ready')),
        count(d.id) FILTER (WHERE d.status = 'shipped'), o.cancelled_at IS NOT NULL
    FROM customer_order o LEFT JOIN delivery d ON d.order_id = o.order_id GROUP BY 1 ORDER BY 1"""
_BOOKS = """
    SELECT s.id, s.status, s.open_amount, coalesce(i.residual, 0) FROM sales_order s
    LEFT JOIN (SELECT order_id, sum(residual) AS residual FROM invoice
        WHERE kind = 'invoice' AND number IS NOT NULL GROUP BY 1) i ON i.order_id = s.id ORDER BY 1"""


@checks(I16="orders end completed or undone, in time")
def orders_end_well(world: World, found: Findings) -> None:
    for rule in (_OVERDUE, _COMPENSATED, _DONE):
        rule.apply(world, found, now=world.databases.read_at)
    rows = world.databases.rows
    for orders, shelves in joined(rows("crm_sales", _ENDED), rows("erp_inventory", _WAREHOUSE)):
        for order_id, number, status, since in orders:
            _, still_open, shipped, cancelled = shelves[0] if shelves else (None, 0, 0, False)
            if still_open:
                found.add(f"{number} is {status} and {still_open} deliveries are open", since, order=order_id)
            if status == "cancelled" and (shipped or not cancelled):
                what = "shipped" if shipped else "was not told"
                found.add(f"{number} is cancelled and the warehouse {what}", since, order=order_id)
    for orders, books in joined(rows("crm_sales", _ENDED), rows("erp_finance", _BOOKS)):
        for order_id, number, status, since in orders:
            _, known_as, open_amount, residual = books[0] if books else (None, "unknown", 0, 0)
            if open_amount:
                found.add(f"{number} is {status} and finance holds {open_amount} for it", since, order=order_id)
            if status == "completed" and residual:
                found.add(f"{number} is completed and {residual} is unpaid", since, order=order_id)
            if status == "cancelled" and known_as != "cancelled":
                found.add(f"{number} is cancelled and {known_as} in the books", since, order=order_id)
