"""What stood in cells with errors."""

from alembic import op

from shared.migrations import error_cells

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    error_cells(op)
