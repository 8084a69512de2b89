"""Lists are filtered by tags."""

from alembic import op

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_quote_tags ON quote USING gin (tags)")
    op.execute("CREATE INDEX ix_sales_order_tags ON sales_order USING gin (tags)")
