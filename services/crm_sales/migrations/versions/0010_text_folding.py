"""Texts are compared and sorted without case and accents."""

from alembic import op

from shared.text_tables import text_folding

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    text_folding(op, quote=("number",), sales_order=("number",))
