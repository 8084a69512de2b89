"""Tell of all teams: users refer to them from now on, so the service that has users knows them."""

from alembic import op
from sqlalchemy import text

from shared.contracts.crm_contacts.teams import Team
from shared.storage.announcing import announce

revision = "0019"
down_revision = "0018"

_TEAMS = text("SELECT id AS team_id, name, manager_id, active FROM team ORDER BY id")
_AT_ONCE = 1000


def upgrade() -> None:
    for some in op.get_bind().execute(_TEAMS).mappings().partitions(_AT_ONCE):
        announce(op, [Team.updated(**row) for row in some])
