"""The latest day of the moves of each level: what is dated before it looks at the days since."""

from alembic import op

revision = "0008"
down_revision = "0007"

_LATEST = """
    UPDATE stock_level l SET moved_on = m.moved_on FROM (
        SELECT product_id, location_id, max(moved_on) AS moved_on FROM (
            SELECT product_id, to_location_id AS location_id, moved_on FROM stock_move
            UNION ALL SELECT product_id, from_location_id, moved_on FROM stock_move) AS legs
        GROUP BY product_id, location_id) AS m
    WHERE m.product_id = l.product_id AND m.location_id = l.location_id
"""


def upgrade() -> None:
    op.execute("ALTER TABLE stock_level ADD COLUMN moved_on date")
    op.execute(_LATEST)
