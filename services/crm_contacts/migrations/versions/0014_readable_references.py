"""Tell again of contacts that have an owner: services that keep copies ask it before a document names one. And the companies
of users, for the same."""

from alembic import op
from sqlalchemy import text

from shared.contracts import crm_contacts as contract
from shared.storage.announcing import announce
from shared.storage.migrations import companies_of_known

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    companies_of_known(op)
    rows = op.get_bind().execute(text(f"SELECT id AS contact_id, {_FACTS} FROM contact WHERE owner_id IS NOT NULL"))
    for some in rows.mappings().partitions(_AT_ONCE):
        announce(op, [contract.ContactUpdated(**row) for row in some])


_AT_ONCE = 1000
_FACTS = (
    "kind, name, status, roles, language, email, siren, vat_number, owner_id,"
    " (SELECT a ->> 'country' FROM jsonb_array_elements(addresses) WITH ORDINALITY AS one (a, place)"
    " ORDER BY a ->> 'type' <> 'legal', place LIMIT 1) AS country"
)
