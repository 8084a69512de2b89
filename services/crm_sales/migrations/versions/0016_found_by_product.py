"""Quotes and orders are found by the products of their lines."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_quote_line_product_id ON quote_line (product_id, quote_id)")
    op.execute("CREATE INDEX ix_order_line_product_id ON order_line (product_id, order_id)")
