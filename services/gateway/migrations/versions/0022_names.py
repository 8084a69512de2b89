"""Constraints have the names of `shared/storage/database.py`."""

from alembic import op

from shared.storage.migrations import name_checks, name_constraints

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    name_constraints(op)
    name_checks(op, "credential", check="invited_until")
