"""Invoices and credit notes are found by the products and order lines of their lines."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    for column in ("product_id", "order_line_id"):
        op.execute(
            f"CREATE INDEX ix_invoice_line_{column} ON invoice_line ({column}, invoice_id) WHERE {column} IS NOT NULL"
        )
    op.execute("CREATE INDEX ix_draft_line_partner_id ON draft_line (partner_id) WHERE partner_id IS NOT NULL")
