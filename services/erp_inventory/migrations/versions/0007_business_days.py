"""Copies of companies and locked periods, which moves obey, and the bound of all amounts and quantities."""

from alembic import op

from shared.storage.dated_tables import company_copies, obey_period_locks
from shared.storage.migrations import bound_amounts

revision = "0007"
down_revision = "0002"


def upgrade() -> None:
    company_copies(op)
    obey_period_locks(op, "stock_move", "moved_on")
    bound_amounts(op, "stock_level", "on_hand", "value")
    bound_amounts(op, "stock_move", "quantity", "value")
