"""Lists are sorted without case and accents by an index."""

from alembic import op

from shared.storage.text_tables import searched_texts, sorted_texts

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("DROP INDEX ix_contact_name, ix_contact_name_trgm, ix_contact_email_trgm, ix_contact_siren_trgm")
    sorted_texts(op, contact=("name",))
    searched_texts(op, "contact", "name", "email", "siren")
