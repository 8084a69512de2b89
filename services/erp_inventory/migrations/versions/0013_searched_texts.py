"""Lists of many rows find by an index what their texts contain and are, and compare tags as texts."""

from alembic import op

from shared.storage.text_tables import composed_texts, found_by_tag, searched_texts

revision = "0013"
down_revision = "0011"


def upgrade() -> None:
    searched_texts(op, "product", "sku", "name", "barcode")
    searched_texts(op, "delivery", "number", "order_number", "customer_name")
    searched_texts(op, "stock_adjustment", "number", "reason")
    found_by_tag(op, "product")
    op.execute("DROP INDEX ix_product_category_id")
    op.execute('CREATE INDEX ix_product_category_folded ON product (folded(category) COLLATE "C", id)')
    composed_texts(op, "product", "name", "category")
