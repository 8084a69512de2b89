"""Constraints have the names of `shared/database.py`."""

from alembic import op

from shared.migrations import name_constraints

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    name_constraints(op)
