"""Telling of drafts that there are: what they name stays (shared/storage/uses.py)."""

from typing import Any

from alembic import op
from sqlalchemy import text

from shared.contracts import crm_sales as sales
from shared.storage.announcing import announce

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    announce(op, [sales.QuoteCreated(**row) for row in _rows(_QUOTES)])
    announce(op, [sales.OrderChanged(**row) for row in _rows(_ORDERS)])


_COLUMNS = "number, status, company_id, customer_id, currency, net_total, tax_total, gross_total"
_QUOTES = (
    f"SELECT id AS quote_id, {_COLUMNS}, ARRAY(SELECT DISTINCT product_id FROM quote_line l WHERE l.quote_id = d.id"
    " ORDER BY 1) AS product_ids FROM quote d ORDER BY id"
)
_ORDERS = (
    f"SELECT id AS order_id, quote_id, {_COLUMNS}, ARRAY(SELECT DISTINCT product_id FROM order_line l"
    " WHERE l.order_id = d.id ORDER BY 1) AS product_ids FROM sales_order d WHERE status = 'draft' ORDER BY id"
)


def _rows(query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in op.get_bind().execute(text(query)).mappings()]
