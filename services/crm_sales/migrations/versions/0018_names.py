"""Constraints have the names of `shared/storage/database.py`."""

from alembic import op

from shared.storage.migrations import name_checks, name_constraints

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    name_constraints(op)
    name_checks(op, "quote", check="gross_total", check1="order_id")
    name_checks(
        op,
        "sales_order",
        check="gross_total",
        check1="placed_at",
        check2="completed_at",
        check3="cancelled_at",
        check4="hold_reason",
        check5="completed",
        check6="placed_on",
    )
