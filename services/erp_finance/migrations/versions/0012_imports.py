"""What stood in cells with errors."""

from alembic import op

from shared.jobs.tables import error_cells

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    error_cells(op)
