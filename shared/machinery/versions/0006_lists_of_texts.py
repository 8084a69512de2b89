"""Lists of texts are compared as texts are (shared/kernel/folding.py)."""

from alembic import op

from shared.kernel import folding

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(folding.LIST_FUNCTION)
