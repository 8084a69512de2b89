"""Lists are sorted without case and accents by an index."""

from alembic import op

from shared.storage.text_tables import sorted_texts

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("DROP INDEX ix_product_name_id")
    sorted_texts(op, product=("sku", "name"), delivery=("number",), stock_adjustment=("number",))
