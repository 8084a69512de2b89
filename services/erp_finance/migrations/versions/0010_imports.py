"""What stood in cells with errors."""

from alembic import op

from shared.migrations import error_cells

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    error_cells(op)
