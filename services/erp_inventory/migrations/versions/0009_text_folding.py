"""Texts are compared and sorted without case and accents."""

from alembic import op

from shared.text_tables import text_folding

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("DROP INDEX ix_product_name_id")
    text_folding(op, product=("sku", "name"), delivery=("number",), stock_adjustment=("number",))
