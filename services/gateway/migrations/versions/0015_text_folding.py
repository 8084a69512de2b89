"""Texts are compared and sorted without case and accents."""

from alembic import op

from shared.text_tables import text_folding

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    text_folding(op)
