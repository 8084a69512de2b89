"""Copies of companies and locked periods, the accounting day of orders, and the bound of all amounts."""

from alembic import op

from shared.storage.dated_tables import company_copies
from shared.storage.migrations import bound_amounts

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    company_copies(op)
    op.execute("ALTER TABLE sales_order ADD COLUMN placed_on date")
    op.execute("UPDATE sales_order SET placed_on = (placed_at AT TIME ZONE 'Europe/Paris')::date")
    op.execute("ALTER TABLE sales_order ADD CHECK ((placed_at IS NULL) = (placed_on IS NULL))")
    for document in ("quote", "sales_order"):
        bound_amounts(op, document, "net_total", "tax_total", "gross_total")
