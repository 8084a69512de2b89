"""Whether a company pays VAT on services when they are invoiced, and which of its invoices say so."""

from alembic import op

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    for table in ("company", "invoice"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN vat_on_debits boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE invoice ALTER COLUMN vat_on_debits DROP DEFAULT")
