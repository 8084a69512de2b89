"""What jobs publish waits while there are other events to send."""

from alembic import op

from shared.migrations import outbox_lanes

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    outbox_lanes(op)
