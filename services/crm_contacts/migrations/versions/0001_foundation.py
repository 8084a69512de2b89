"""Contacts, what identifies them, and the ids that other systems gave them."""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE contact (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('person', 'organization')),
    status text NOT NULL CHECK (status IN ('active', 'archived', 'merged', 'erased')),
    name text NOT NULL CHECK (name <> ''),
    first_name text,
    last_name text,
    legal_name text,
    siren text CHECK (siren ~ '^[0-9]{9}$'),
    siret text CHECK (siret ~ '^[0-9]{14}$' AND siret LIKE siren || '%'),
    vat_number text,
    naf_code text,
    language text NOT NULL,
    email text,
    emails jsonb NOT NULL,
    phones jsonb NOT NULL,
    addresses jsonb NOT NULL,
    roles jsonb NOT NULL,
    lifecycle_stage text,
    owner_id uuid,
    source text,
    parent_id uuid REFERENCES contact (id),
    external_ids jsonb NOT NULL,
    tags jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT ck_contact_own_parent CHECK (parent_id <> id)
);
CREATE TABLE contact_point (
    kind text NOT NULL CHECK (kind IN ('email', 'phone', 'siren', 'siret', 'vat_number')),
    value text NOT NULL,
    contact_id uuid NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, value, contact_id)
);
CREATE TABLE contact_external_id (
    source text NOT NULL,
    external_id text NOT NULL,
    contact_id uuid NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    PRIMARY KEY (source, external_id)
);
"""

# Each list index ends with the keyset (sort key, id); the trigram ones serve contains, starts and q.
_INDEXES = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX ix_contact_created_at ON contact (created_at, id);
CREATE INDEX ix_contact_name ON contact (name, id);
CREATE INDEX ix_contact_status ON contact (status, created_at, id);
CREATE INDEX ix_contact_owner_id ON contact (owner_id, created_at, id);
CREATE INDEX ix_contact_lifecycle_stage ON contact (lifecycle_stage, created_at, id);
CREATE INDEX ix_contact_siren ON contact (siren);
CREATE INDEX ix_contact_parent_id ON contact (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX ix_contact_roles ON contact USING gin (roles);
CREATE INDEX ix_contact_name_trgm ON contact USING gin (name gin_trgm_ops);
CREATE INDEX ix_contact_email_trgm ON contact USING gin (email gin_trgm_ops);
CREATE INDEX ix_contact_siren_trgm ON contact USING gin (siren gin_trgm_ops);
CREATE INDEX ix_contact_point_contact_id ON contact_point (contact_id);
CREATE INDEX ix_contact_external_id_contact_id ON contact_external_id (contact_id);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_INDEXES)
