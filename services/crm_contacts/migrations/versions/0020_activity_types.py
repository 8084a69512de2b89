"""The type of an activity has the name that clients know it by."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("ALTER TABLE activity RENAME COLUMN kind TO type")
    op.execute("ALTER TABLE activity RENAME CONSTRAINT ck_activity_kind TO ck_activity_type")
