"""Imports, exports and what they leave behind."""

from alembic import op

from shared.migrations import jobs_tables

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    jobs_tables(op)
