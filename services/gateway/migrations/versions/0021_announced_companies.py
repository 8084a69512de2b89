"""Tell again of the users who do not work in all companies: services that know users ask where before a body names one."""

from alembic import op
from sqlalchemy import text

from shared.contracts import gateway as contract
from shared.storage.announcing import announce

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    rows = op.get_bind().execute(text(f"SELECT id AS user_id, {_FACTS} FROM app_user WHERE companies IS NOT NULL"))
    for some in rows.mappings().partitions(_AT_ONCE):
        announce(op, [contract.UserUpdated(**row) for row in some])


_AT_ONCE = 1000
_FACTS = "email, name, language, roles, company_id, companies::text[], team, manager_id, active"
