"""The ids of all companies, those included of which the store has heard before the service listened to them."""

from alembic import op

from shared.storage.migrations import known_companies

revision = "0019"
down_revision = "0017"


def upgrade() -> None:
    known_companies(op)
    op.execute(
        "INSERT INTO company SELECT DISTINCT aggregate_id FROM event_store"
        " WHERE service = 'erp_finance' AND aggregate = 'company' ON CONFLICT DO NOTHING"
    )
