"""Telling other services which fiscal years are open, and when those of companies begin."""

from typing import Any

from alembic import op
from sqlalchemy import text

from shared.contracts import erp_finance as finance
from shared.storage.announcing import announce

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    announce(op, [finance.CompanyChanged(**row) for row in _rows(_COMPANIES)])
    announce(op, [finance.FiscalYearOpened(**row) for row in _rows(_YEARS)])


_COMPANIES = (
    "SELECT id AS company_id, name, currency, time_zone, fiscal_year_start FROM company"
    " WHERE fiscal_year_start <> '01-01'"  # with which every copy begins
)
_YEARS = "SELECT id AS fiscal_year_id, company_id, code, starts_on, ends_on FROM fiscal_year ORDER BY starts_on"


def _rows(query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in op.get_bind().execute(text(query)).mappings()]
