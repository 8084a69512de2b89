"""What the rows of a dry run would have taken."""

from alembic import op

from shared.jobs.tables import claims

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    claims(op)
