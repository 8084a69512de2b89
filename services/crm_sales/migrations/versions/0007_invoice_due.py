"""Whether an order waits for finance or, between two shipments, for goods."""

from alembic import op

revision = "0007"
down_revision = "0002"

_DUE = """
    UPDATE sales_order o SET invoice_due = true
    FROM (SELECT order_id, bool_or(delivered_quantity > 0) FILTER (WHERE kind <> 'service') AS shipped
        FROM order_line GROUP BY 1) AS s
    WHERE s.order_id = o.id AND o.status = 'confirmed' AND EXISTS (SELECT 1 FROM order_line l WHERE l.order_id = o.id
        AND l.invoiced_quantity - CASE WHEN o.cancel_reason IS NOT NULL AND o.invoicing_policy = 'on_order'
            THEN l.credited_quantity ELSE 0 END
        < CASE WHEN (o.invoicing_policy = 'on_order' OR NOT o.has_goods) AND NOT o.rest_released THEN l.quantity
            WHEN l.kind <> 'service' THEN l.delivered_quantity
            WHEN s.shipped OR o.invoicing_policy = 'on_order' OR NOT o.has_goods THEN l.quantity ELSE 0 END)"""
_STEPS = """
    UPDATE order_step s SET waits_for = 'delivery', deadline = NULL, reason = NULL FROM sales_order o
    WHERE o.id = s.order_id AND s.name = 'invoicing' AND s.status = 'pending'
        AND s.waits_for = 'erp_finance.invoice.issued' AND NOT o.invoice_due"""


def upgrade() -> None:
    op.execute("ALTER TABLE sales_order ADD COLUMN invoice_due boolean NOT NULL DEFAULT false")
    op.execute(_DUE)
    op.execute(_STEPS)
    op.execute("ALTER TABLE sales_order ALTER COLUMN invoice_due DROP DEFAULT")
