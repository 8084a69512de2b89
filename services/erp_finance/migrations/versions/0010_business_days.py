"""The time zone of companies, the bound of all amounts, and what other services begin to keep copies of."""

from typing import Any

from alembic import op
from sqlalchemy import text

from shared.contracts import erp_finance as finance
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.storage.announcing import announce
from shared.storage.migrations import bound_amounts

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TABLE company ADD COLUMN time_zone text NOT NULL DEFAULT 'Europe/Paris'")
    bound_amounts(op, "invoice", "net_total", "tax_total", "gross_total")
    bound_amounts(op, "invoice_line", "quantity", "net")
    bound_amounts(op, "payment", "amount")
    bound_amounts(op, "journal_entry", "total")
    announce(op, [finance.CompanyAdded(**row) for row in _rows(_COMPANIES)])
    announce(op, [finance.PeriodLocked(**row) for row in _rows(_LOCKED)])


_COMPANIES = (
    "SELECT id AS company_id, name, currency, time_zone FROM company"
    f" WHERE id <> '{DEFAULT_COMPANY_ID}' OR version > 1"  # every copy begins with the default company
)
_LOCKED = (
    "SELECT id AS period_id, company_id, code, starts_on, ends_on, status = 'locked' AS final FROM period"
    " WHERE status <> 'open'"
)


def _rows(query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in op.get_bind().execute(text(query)).mappings()]
