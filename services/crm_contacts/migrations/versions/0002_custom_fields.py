"""Custom fields: their definitions, and the values of contacts."""

from alembic import op

from shared.storage.migrations import custom_values

revision = "0002"
down_revision = "0001"

_TABLE = """
CREATE TABLE custom_field (
    id uuid PRIMARY KEY,
    resource text NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]*$'),
    type text NOT NULL CHECK (type IN ('text', 'number', 'date', 'boolean', 'choice')),
    options jsonb NOT NULL,
    required boolean NOT NULL,
    label_en text NOT NULL,
    label_fr text NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (resource, name)
);
CREATE INDEX ix_custom_field_created_at ON custom_field (created_at, id);
CREATE INDEX ix_contact_external_ids ON contact USING gin (external_ids jsonb_path_ops);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    custom_values(op, "contact")
