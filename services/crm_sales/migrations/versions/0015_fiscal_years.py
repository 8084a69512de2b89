"""Copies of fiscal years: no document is dated outside them."""

from alembic import op

from shared.storage.dated_tables import fiscal_year_copies

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    fiscal_year_copies(op)
