"""What stood in cells with errors."""

from alembic import op

from shared.jobs.tables import error_cells

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    error_cells(op)
