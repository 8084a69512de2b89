"""Imports, exports and what they leave behind."""

from alembic import op

from shared.migrations import jobs_tables

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    jobs_tables(op)
