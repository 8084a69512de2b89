"""Remembered replies, the audit, timers and series of numbers."""

from alembic import op

from shared.storage.migrations import refuse_changes, revoke

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for statement in (*_TABLES, *refuse_changes("audit"), revoke("audit", "UPDATE", "DELETE", "TRUNCATE")):
        op.execute(statement)


_TABLES = [
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = '42501';
    END $$
    """,
    """
    CREATE TABLE idempotency (
        actor text NOT NULL,
        operation text NOT NULL,
        key text NOT NULL,
        request_sha256 bytea NOT NULL,
        status int NOT NULL,
        body text NOT NULL,
        headers jsonb NOT NULL,
        aggregate_id uuid,
        permanent boolean NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (actor, operation, key)
    )
    """,
    "CREATE INDEX idempotency_created ON idempotency USING brin (created_at)",
    """
    CREATE TABLE audit (
        id uuid PRIMARY KEY,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        object_id uuid,
        request_id text NOT NULL,
        changes jsonb NOT NULL,
        api_key_id uuid
    )
    """,
    "CREATE INDEX audit_object ON audit (object_id, at)",
    "CREATE INDEX audit_request ON audit (request_id)",
    "CREATE TABLE timer (name text PRIMARY KEY, last_run timestamptz NOT NULL)",
    """
    CREATE TABLE number_series (
        series text NOT NULL,
        company_id uuid NOT NULL,
        year int NOT NULL,
        last bigint NOT NULL,
        PRIMARY KEY (series, company_id, year)
    )
    """,
]
