"""Custom fields of quotes and orders."""

from alembic import op

from shared.storage.migrations import custom_fields

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    custom_fields(op, "quote", "sales_order")
