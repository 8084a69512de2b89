"""Telling of drafts that there are: what they name stays (shared/storage/uses.py)."""

from typing import Any

from alembic import op
from sqlalchemy import text

from shared.contracts import erp_finance as finance
from shared.storage.announcing import announce

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    announce(op, [finance.InvoiceCreated(**row) for row in _rows(_INVOICES)])
    announce(op, [finance.PaymentCreated(**row) for row in _rows(_PAYMENTS)])


_INVOICES = (
    "SELECT id AS invoice_id, company_id, customer_id, currency, net_total, tax_total, gross_total, ARRAY(SELECT DISTINCT"
    " product_id FROM invoice_line l WHERE l.invoice_id = i.id AND product_id IS NOT NULL ORDER BY 1) AS product_ids"
    " FROM invoice i WHERE kind = 'invoice' AND order_id IS NULL ORDER BY id"
)
_PAYMENTS = (
    "SELECT id AS payment_id, company_id, contact_id AS customer_id, direction, amount, currency FROM payment"
    " WHERE status = 'draft' OR direction = 'out' ORDER BY id"
)


def _rows(query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in op.get_bind().execute(text(query)).mappings()]
