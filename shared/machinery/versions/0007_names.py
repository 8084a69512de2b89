"""Constraints have the names of `shared/storage/database.py`."""

from alembic import op

from shared.storage.migrations import name_constraints

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    name_constraints(op)
