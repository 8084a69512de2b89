"""Teams, tags, affiliations and activities."""

from alembic import op

from shared.storage.text_tables import searched_texts, sorted_texts

revision = "0015"
down_revision = "0014"

_RECORD = """
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
"""
_TABLES = f"""
CREATE TABLE team (
    id uuid CONSTRAINT pk_team PRIMARY KEY,
    name text NOT NULL CONSTRAINT ck_team_name CHECK (length(name) BETWEEN 1 AND 100),
    manager_id uuid,
    description text CONSTRAINT ck_team_description CHECK (length(description) <= 2000),
    active boolean NOT NULL,
    {_RECORD},
    CONSTRAINT uq_team_name UNIQUE (name)
);
CREATE INDEX ix_team_created_at ON team (created_at, id);
CREATE TABLE tag (
    id uuid CONSTRAINT pk_tag PRIMARY KEY,
    name text NOT NULL CONSTRAINT ck_tag_name CHECK (length(name) BETWEEN 1 AND 50),
    colour text NOT NULL CONSTRAINT ck_tag_colour
        CHECK (colour IN ('grey', 'red', 'orange', 'yellow', 'green', 'blue', 'purple')),
    description text CONSTRAINT ck_tag_description CHECK (length(description) <= 500),
    {_RECORD},
    CONSTRAINT uq_tag_name UNIQUE (name)
);
CREATE INDEX ix_tag_created_at ON tag (created_at, id);
CREATE TABLE affiliation (
    id uuid CONSTRAINT pk_affiliation PRIMARY KEY,
    person_id uuid NOT NULL CONSTRAINT fk_affiliation_person_id REFERENCES contact (id),
    organization_id uuid NOT NULL CONSTRAINT fk_affiliation_organization_id REFERENCES contact (id),
    role text NOT NULL CONSTRAINT ck_affiliation_role CHECK (length(role) BETWEEN 1 AND 100),
    main boolean NOT NULL,
    starts_on date,
    ends_on date,
    {_RECORD}
);
CREATE INDEX ix_affiliation_created_at ON affiliation (created_at, id);
CREATE INDEX ix_affiliation_person_id ON affiliation (person_id, id);
CREATE INDEX ix_affiliation_organization_id ON affiliation (organization_id, id);
CREATE TABLE activity (
    id uuid CONSTRAINT pk_activity PRIMARY KEY,
    kind text NOT NULL CONSTRAINT ck_activity_kind CHECK (kind IN ('note', 'call', 'email', 'meeting', 'task')),
    status text NOT NULL CONSTRAINT ck_activity_status CHECK (status IN ('open', 'done')),
    subject text NOT NULL CONSTRAINT ck_activity_subject CHECK (length(subject) BETWEEN 1 AND 200),
    body text CONSTRAINT ck_activity_body CHECK (length(body) <= 10000),
    contact_id uuid CONSTRAINT fk_activity_contact_id REFERENCES contact (id),
    owner_id uuid,
    due_at timestamptz,
    reminder_at timestamptz,
    done_at timestamptz,
    outcome text CONSTRAINT ck_activity_outcome CHECK (length(outcome) <= 2000),
    {_RECORD}
);
CREATE INDEX ix_activity_created_at ON activity (created_at, id);
CREATE INDEX ix_activity_contact_id ON activity (contact_id, id);
CREATE INDEX ix_activity_owner_id ON activity (owner_id, id);
CREATE INDEX ix_activity_due_at ON activity (due_at, id);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    sorted_texts(op, affiliation=("role",), activity=("subject",))
    searched_texts(op, "affiliation", "role")
    searched_texts(op, "activity", "subject", "body")
