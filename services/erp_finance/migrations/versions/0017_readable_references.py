"""Who may name a customer or a product: owners and companies of the copies. Their owners tell of them again."""

from alembic import op

from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.storage.migrations import companies_of_known

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("ALTER TABLE customer ADD COLUMN owner_id uuid")
    companies_of_known(op)
    op.execute(f"UPDATE known SET companies = ARRAY['{DEFAULT_COMPANY_ID}'::uuid] WHERE resource = 'products'")
