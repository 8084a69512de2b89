"""Lists are filtered by tags."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_product_tags ON product USING gin (tags)")
