"""Constraints have the names of `shared/storage/database.py`."""

from alembic import op

from shared.storage.migrations import name_constraints

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    name_constraints(op)
