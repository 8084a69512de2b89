"""What the rows of a dry run would have taken."""

from alembic import op

from shared.jobs.tables import claims

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    claims(op)
