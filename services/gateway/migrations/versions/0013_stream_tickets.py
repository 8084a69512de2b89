"""Which tickets for event streams have been used, for all edges; logged, so that not even a crash lets one be used twice."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("CREATE TABLE used_ticket (id text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())")
