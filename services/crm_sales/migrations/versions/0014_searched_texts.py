"""Lists of many rows find by an index what their texts contain and are, and compare tags as texts."""

from alembic import op

from shared.storage.text_tables import found_by_tag, searched_texts

revision = "0014"
down_revision = "0012"


def upgrade() -> None:
    for table in ("quote", "sales_order"):
        searched_texts(op, table, "number", "customer_name")
    found_by_tag(op, "quote", "sales_order")
