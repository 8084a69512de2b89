"""Deliveries are found by the order lines of their lines."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_delivery_line_order_line_id ON delivery_line (order_line_id, delivery_id)")
