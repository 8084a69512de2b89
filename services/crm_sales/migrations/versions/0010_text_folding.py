"""Lists are sorted without case and accents by an index."""

from alembic import op

from shared.storage.text_tables import sorted_texts

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    sorted_texts(op, quote=("number",), sales_order=("number",))
