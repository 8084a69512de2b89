"""Tell again of products of other companies than the first: services that keep copies ask for the company before a document
names one, and take it for the first one's until they are told."""

from alembic import op
from sqlalchemy import text

from shared.contracts import erp_inventory as contract
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.storage.announcing import announce

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    rows = op.get_bind().execute(text(f"SELECT {_FACTS} FROM product WHERE company_id <> '{DEFAULT_COMPANY_ID}'"))
    for some in rows.mappings().partitions(_AT_ONCE):
        announce(op, [contract.ProductUpdated(**row) for row in some])


_AT_ONCE = 1000
_FACTS = "id AS product_id, sku, name, type AS kind, unit, sale_price, tax_code, active, company_id"
