"""Lists are filtered by tags."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_contact_tags ON contact USING gin (tags)")
