"""Which records other services use."""

from alembic import op

from shared.migrations import uses

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    uses(op)
