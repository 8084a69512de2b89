"""What drafts of documents name stays as well."""

from alembic import op

from shared.storage.migrations import drafts_use

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    drafts_use(op)
