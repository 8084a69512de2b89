"""Texts are compared and sorted without case and accents (shared/kernel/folding.py)."""

from alembic import op

from shared.kernel import folding

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(folding.function())
