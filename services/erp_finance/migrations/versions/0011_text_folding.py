"""Texts are compared and sorted without case and accents."""

from alembic import op

from shared.text_tables import text_folding

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("DROP INDEX ix_account_code")
    text_folding(op, account=("code",), invoice=("number",), payment=("number",), journal_entry=("number",))
