"""Who may name a customer, a user, a product: owners and companies of the copies. Contacts, users and products of other
companies than the first are told of again by the services that own them (readable_references of theirs)."""

from alembic import op

from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.storage.migrations import companies_of_known

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("ALTER TABLE customer ADD COLUMN owner_id uuid")
    op.execute(f"ALTER TABLE product ADD COLUMN company_id uuid NOT NULL DEFAULT '{DEFAULT_COMPANY_ID}'")
    companies_of_known(op)
