"""The ids of what requests name and other services own (`shared/api/known.py`), in every service: any may begin to name some.

Services that did so before have the table already.
"""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE IF NOT EXISTS known (resource text NOT NULL, id uuid NOT NULL, companies uuid[],"
        " CONSTRAINT pk_known PRIMARY KEY (resource, id))"
    )
