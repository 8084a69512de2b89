"""Imports, exports, the files in pieces that they read and write, and what they leave behind."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for statement in (*_JOBS, *_CLAIMS):
        op.execute(statement)


_JOBS = [
    """
    CREATE TABLE job (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('import', 'export', 'undo')),
        resource text NOT NULL,
        status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
        actor text NOT NULL,
        circumstances jsonb NOT NULL,
        options jsonb NOT NULL,
        upload_id uuid,
        done bigint NOT NULL,
        total bigint,
        checkpoint jsonb NOT NULL,
        result jsonb NOT NULL,
        failure jsonb,
        cancelled boolean NOT NULL,
        runner uuid,
        leased_until timestamptz,
        takeovers bigint NOT NULL,
        undoes uuid UNIQUE REFERENCES job (id) ON DELETE SET NULL,
        undone_by uuid,
        started_at timestamptz,
        finished_at timestamptz,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX job_open ON job (id) WHERE status IN ('queued', 'running')",
    "CREATE INDEX job_actor ON job (actor, id)",
    """
    CREATE TABLE file_chunk (
        file_id uuid NOT NULL,
        number int NOT NULL,
        content bytea NOT NULL,
        actor text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (file_id, number)
    )
    """,
    "ALTER TABLE file_chunk ALTER content SET STORAGE EXTERNAL",
    "CREATE INDEX file_chunk_created ON file_chunk USING brin (created_at)",
    """
    CREATE TABLE job_error (
        job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        place bigint GENERATED ALWAYS AS IDENTITY,
        row_number bigint NOT NULL,
        header text,
        field text,
        code text NOT NULL,
        level text NOT NULL,
        text_en text,
        text_fr text,
        cell text,
        PRIMARY KEY (job_id, place)
    )
    """,
    """
    CREATE TABLE job_row (
        job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        row_number bigint NOT NULL,
        match_key text,
        object_id uuid,
        effect text,
        version bigint,
        before jsonb,
        PRIMARY KEY (job_id, row_number)
    )
    """,
    "CREATE INDEX job_row_match ON job_row (job_id, match_key) WHERE match_key IS NOT NULL",
]

# What the rows of a dry run would have taken (shared/jobs/rehearsing.py).
_CLAIMS = [
    """
    CREATE TABLE job_claim (
        job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        key uuid NOT NULL,
        object_id uuid NOT NULL
    )
    """,
    "CREATE INDEX job_claim_key ON job_claim (job_id, key)",
]
