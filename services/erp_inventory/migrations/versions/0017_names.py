"""Constraints have the names of `shared/database.py`."""

from alembic import op

from shared.migrations import name_constraints

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    name_constraints(op)
