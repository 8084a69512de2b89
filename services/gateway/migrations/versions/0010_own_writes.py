"""What each caller wrote in the last half minute, for all edges; not logged, because a crash takes longer than that."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        "CREATE UNLOGGED TABLE own_write"
        " (caller text NOT NULL, event_id uuid NOT NULL, at timestamptz NOT NULL DEFAULT now())"
    )
    op.execute("CREATE INDEX ix_own_write_caller_at ON own_write (caller, at)")
