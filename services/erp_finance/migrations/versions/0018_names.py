"""Constraints have the names of `shared/storage/database.py`."""

from alembic import op

from shared.storage.migrations import name_checks, name_constraints

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    name_constraints(op)
    name_checks(op, "fiscal_year", check="ends_on")
    name_checks(op, "period", check="ends_on")
    name_checks(op, "tax_code", check="valid_to")
    name_checks(op, "journal_entry", check="posted", check1="source")
    name_checks(op, "journal_line", check="one_side")
    name_checks(op, "invoice", check="gross_total", check1="residual", check2="corrects_id", check3="issued")
    name_checks(op, "payment", check="unallocated")
    name_checks(op, "allocation", check="one_source", check1="allocated_on", check2="released_on")
