"""Events are asked for by what they are about."""

from alembic import op

revision = "0017"
down_revision = "0014"


def upgrade() -> None:
    op.create_index("ix_event_store_aggregate_id_position", "event_store", ["aggregate_id", "position"])
