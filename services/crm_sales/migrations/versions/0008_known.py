"""The ids of what requests name and other services own."""

from alembic import op

from shared.storage.migrations import known

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    known(op)
