"""What stood in cells with errors."""

from alembic import op

from shared.jobs.tables import error_cells

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    error_cells(op)
