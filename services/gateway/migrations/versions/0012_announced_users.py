"""Tell of the users whom the operator made: services that begin to know users hear of those from before as well."""

from alembic import op
from sqlalchemy import text

from shared.contracts import gateway as contract
from shared.storage.announcing import announce

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    rows = op.get_bind().execute(text(f"SELECT id AS user_id, {_FACTS} FROM app_user")).mappings()
    announce(op, [contract.UserUpdated(**row) for row in rows])


_FACTS = "email, name, language, roles, company_id, companies::text[], team, manager_id, active"
