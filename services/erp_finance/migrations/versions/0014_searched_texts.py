"""Lists of many rows find by an index what their texts contain and are, and compare tags as texts."""

from alembic import op

from shared.storage.text_tables import searched_texts

revision = "0014"
down_revision = "0011"


def upgrade() -> None:
    searched_texts(op, "invoice", "number", "customer_name")
    for table in ("payment", "journal_entry"):
        searched_texts(op, table, "number", "reference")
