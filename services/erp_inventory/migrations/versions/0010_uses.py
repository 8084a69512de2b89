"""Which records other services use."""

from alembic import op

from shared.storage.migrations import uses

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    uses(op)
