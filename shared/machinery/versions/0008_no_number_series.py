"""Numbers without gaps are those of invoices, which the ledger counts itself (`legal_series`); nothing used these."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("DROP TABLE number_series")
