"""The taxes of a document by rate are kept, because those of a part depend on the parts before it."""

from alembic import op

revision = "0006"
down_revision = "0002"

# What was issued until now was rounded document by document.
_OF_LINES = """
    SELECT id, jsonb_agg(jsonb_build_object('tax_code', tax_code, 'rate', rate::text, 'base', base::text,
        'amount', amount::text) ORDER BY rate DESC, tax_code) AS taxes
    FROM (SELECT i.id, l.tax_code, l.tax_rate AS rate, sum(l.net) AS base,
            round(sum(l.net) * l.tax_rate / 100, CASE i.currency WHEN 'JPY' THEN 0 ELSE 2 END) AS amount
        FROM invoice i JOIN invoice_line l ON l.invoice_id = i.id GROUP BY i.id, l.tax_code, l.tax_rate) AS taxed
    GROUP BY id"""
_OF_ORDERS = """
    SELECT order_id AS id, jsonb_agg(jsonb_build_object('tax_code', code, 'rate', rate::text, 'base', base::text,
        'amount', amount::text) ORDER BY rate DESC, code) AS taxes
    FROM (SELECT i.order_id, t.tax_code AS code, t.rate, sum(sign * t.base) AS base, sum(sign * t.amount) AS amount
        FROM invoice i JOIN sales_order o ON o.id = i.order_id
        CROSS JOIN LATERAL (SELECT CASE i.kind WHEN 'invoice' THEN 1 ELSE -1 END AS sign) AS signed
        CROSS JOIN LATERAL jsonb_to_recordset(i.taxes) AS t (tax_code text, rate numeric, base numeric, amount numeric)
        WHERE i.kind = 'invoice' OR o.status = 'cancelled'
        GROUP BY i.order_id, t.tax_code, t.rate) AS billed
    GROUP BY order_id"""


def upgrade() -> None:
    op.execute("ALTER TABLE invoice ADD COLUMN taxes jsonb NOT NULL DEFAULT '[]'")
    op.execute("ALTER TABLE sales_order ADD COLUMN billed_taxes jsonb NOT NULL DEFAULT '[]'")
    op.execute("ALTER TABLE invoice DISABLE TRIGGER invoice_kept")
    op.execute(f"UPDATE invoice i SET taxes = t.taxes FROM ({_OF_LINES}) AS t WHERE t.id = i.id")
    op.execute("ALTER TABLE invoice ENABLE TRIGGER invoice_kept")
    op.execute(f"UPDATE sales_order o SET billed_taxes = t.taxes FROM ({_OF_ORDERS}) AS t WHERE t.id = o.id")
    op.execute("ALTER TABLE invoice ALTER COLUMN taxes DROP DEFAULT")
    op.execute("ALTER TABLE sales_order ALTER COLUMN billed_taxes DROP DEFAULT")
