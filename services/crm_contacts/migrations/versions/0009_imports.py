"""What stood in cells with errors, and which records other services use."""

from alembic import op

from shared.jobs.tables import error_cells, uses

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    error_cells(op)
    uses(op)
