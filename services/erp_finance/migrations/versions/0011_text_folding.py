"""Lists are sorted without case and accents by an index."""

from alembic import op

from shared.storage.text_tables import sorted_texts

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("DROP INDEX ix_account_code")
    sorted_texts(op, account=("code",), invoice=("number",), payment=("number",), journal_entry=("number",))
