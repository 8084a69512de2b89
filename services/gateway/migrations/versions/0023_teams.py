"""Users refer to teams of crm_contacts. Each distinct text that stood for a team becomes one, with the same members.

The ids are chosen here, so that `@team` reaches the same people without a gap; crm_contacts hears of each, creates it, or
answers that it has a team of that name already (`crm_contacts.team.recognized`).
"""

from alembic import op
from sqlalchemy import text

from shared.contracts import gateway as contract
from shared.kernel.ids import new_id
from shared.storage.announcing import announce

revision = "0023"
down_revision = "0022"

_TABLE = """
CREATE TABLE team (
    id uuid CONSTRAINT pk_team PRIMARY KEY,
    name text NOT NULL,
    active boolean NOT NULL
);
ALTER TABLE app_user ADD COLUMN team_id uuid;
CREATE INDEX ix_app_user_team_id ON app_user (team_id) WHERE team_id IS NOT NULL;
"""
_NAMES = text("SELECT DISTINCT team FROM app_user WHERE team IS NOT NULL ORDER BY team")
_KEEP = text("INSERT INTO team VALUES (:team_id, :name, true)")
_JOIN = text(
    "UPDATE app_user u SET team_id = t.id, version = u.version + 1, updated_at = now() FROM team t WHERE t.name = u.team"
)
_MEMBERS = text(
    "SELECT id AS user_id, email, name, language, roles, company_id, companies::text[], team, team_id, manager_id, active"
    " FROM app_user WHERE team_id IS NOT NULL ORDER BY id"
)
_AT_ONCE = 1000


def upgrade() -> None:
    op.execute(_TABLE)
    connection = op.get_bind()
    named = [contract.TeamNamed(team_id=new_id(), name=name) for name in connection.execute(_NAMES).scalars()]
    for team in named:
        connection.execute(_KEEP, {"team_id": team.team_id, "name": team.name})
    connection.execute(_JOIN)
    announce(op, named)
    for some in connection.execute(_MEMBERS).mappings().partitions(_AT_ONCE):
        announce(op, [contract.UserUpdated(**row) for row in some])
    op.execute("ALTER TABLE app_user DROP COLUMN team")
