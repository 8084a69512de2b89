"""With which API key something was done."""

from alembic import op

from shared.migrations import audited_keys

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    audited_keys(op)
