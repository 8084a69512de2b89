"""Which records other services use."""

from alembic import op

from shared.storage.migrations import uses

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    uses(op)
