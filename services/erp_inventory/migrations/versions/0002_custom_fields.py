"""Custom fields of products; products are found by the ids of other systems."""

from alembic import op

from shared.storage.migrations import custom_fields

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    custom_fields(op, "product")
    op.execute("CREATE INDEX ix_product_external_ids ON product USING gin (external_ids jsonb_path_ops)")
