"""Tags are compared as texts are, and names from before are kept as those of today."""

from alembic import op

from shared.storage.text_tables import composed_texts, found_by_tag

revision = "0013"
down_revision = "0011"


def upgrade() -> None:
    found_by_tag(op, "contact")
    composed_texts(op, "contact", "name", "first_name", "last_name", "legal_name")
