"""Alembic, one tree per service, and the machinery's tables that every tree begins with."""

from pathlib import Path
from typing import Any

from alembic import context
from alembic.script import ScriptDirectory
from sqlalchemy import text

from shared.connecting import options, single
from shared.functions import KEEP_OUTBOX_PARTITIONS, guard_functions
from shared.ids import DEFAULT_COMPANY_ID
from shared.money import LARGEST
from shared.settings import required


def run(service: str) -> None:
    """The whole of a service's env.py: migrate as the owner of the database, one migrator at a time."""
    url = required(f"LIAISON_{service.upper()}_OWNER_DATABASE_URL")
    patient = options(lock_timeout="10s", statement_timeout="0", idle_in_transaction_session_timeout="10min")
    engine = single(url, "READ COMMITTED", options=patient)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(4217)"))
        connection.commit()
        context.configure(connection=connection, target_metadata=None)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


class DatabaseIsNewer(Exception):
    """The schema of a database was made by a version of Liaison that came after this one."""


def refuse_newer(service: str, url: str) -> None:
    """Raise DatabaseIsNewer when a database has a revision that this code does not know. `url` may be any role's."""
    known = [script.revision for script in ScriptDirectory(str(folder(service))).walk_revisions()]
    engine = single(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one()
        there = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() if found else []
    engine.dispose()
    if unknown := [revision for revision in there if revision not in known]:
        raise DatabaseIsNewer(
            f"The database of {service} is at revision {unknown[0]}, and this version of Liaison knows only up to"
            f" {known[0]}: it was made by a newer version. Start that one, or restore an older backup."
        )


def folder(service: str) -> Path:
    """Where a service's Alembic tree is."""
    return Path(__file__).resolve().parent.parent / "services" / service / "migrations"


def revoke(table: str, *privileges: str) -> str:
    """SQL that takes privileges on a table from the application role, where there is one besides the owner."""
    return (
        "DO $$ BEGIN IF current_user LIKE '%_owner' AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname ="
        " left(current_user, -6)) THEN EXECUTE format('REVOKE " + ", ".join(privileges) + f" ON {table} FROM %I',"
        " left(current_user, -6)); END IF; END $$"
    )


def conceal(table: str, *columns: str) -> str:
    """SQL that takes a table, or these columns of it, from every role that only reads: whoever also writes keeps it."""
    return f"""
        DO $$ DECLARE
            reader name;
            shown text;
        BEGIN
            SELECT string_agg(quote_ident(attname), ', ') INTO shown FROM pg_attribute WHERE attrelid = '{table}'::regclass
                AND attnum > 0 AND NOT attisdropped AND attname <> ALL ('{{{",".join(columns)}}}');
            FOR reader IN
                SELECT rolname FROM pg_class, aclexplode(relacl), pg_roles
                WHERE pg_class.oid = '{table}'::regclass AND pg_roles.oid = grantee
                GROUP BY rolname HAVING array_agg(privilege_type::text) = ARRAY['SELECT']
            LOOP
                EXECUTE format('REVOKE SELECT ON {table} FROM %I', reader);
                {"EXECUTE format('GRANT SELECT (%s) ON " + table + " TO %I', shown, reader);" if columns else ""}
            END LOOP;
        END $$
    """


def refuse_changes(table: str, *events: str) -> list[str]:
    """SQL for triggers by which the database itself refuses UPDATE, DELETE or TRUNCATE of a table."""
    statements = []
    for event in events or ("UPDATE", "DELETE", "TRUNCATE"):
        level = "STATEMENT" if event == "TRUNCATE" else "ROW"
        statements.append(
            f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} FOR EACH {level}"
            " EXECUTE FUNCTION refuse_change()"
        )
    return statements


def machinery(op: Any) -> None:
    """Create outbox, inbox, idempotency, audit, timers and number series: the first line of a first migration."""
    for statement in _MACHINERY:
        op.execute(statement)
    for statement in refuse_changes("audit"):
        op.execute(statement)
    op.execute(revoke("audit", "UPDATE", "DELETE", "TRUNCATE"))
    outbox_lanes(op)
    audited_keys(op)
    guarded(op)


def guarded(op: Any) -> None:
    """Keep from roles that only read what they have no need of: our functions, remembered replies, parked messages.

    A remembered reply may hold what is shown only once, a parked message what its producer would not show.
    """
    guard_functions(op)
    op.execute(conceal("idempotency", "body"))
    op.execute(conceal("inbox", "envelope"))


def outbox_lanes(op: Any) -> None:
    """Let the outbox tell what a job wrote from what somebody waits for; `relay.py` says in which order they are sent.

    For databases that began without; others have it from the first line on, and keep it. Code from before
    this sorts the few rows that wait, instead of reading them in order.
    """
    for statement in _LANES:
        op.execute(statement)


_LANES = [
    "ALTER TABLE outbox ADD COLUMN IF NOT EXISTS bulk boolean NOT NULL DEFAULT false",
    "DROP INDEX outbox_waiting",
    "CREATE INDEX outbox_waiting ON outbox (bulk, id) WHERE state = 'new'",
    "CREATE INDEX IF NOT EXISTS outbox_bulk ON outbox (aggregate_id) WHERE state <> 'published' AND bulk",
]


def custom_fields(op: Any, *tables: str) -> None:
    """A copy of the definitions of custom fields (shared/custom_copies.py), and a column `custom` on these tables."""
    op.execute(
        "CREATE TABLE custom_field (id uuid PRIMARY KEY, resource text NOT NULL, name text NOT NULL, type text NOT NULL,"
        " options jsonb NOT NULL, required boolean NOT NULL, label_en text NOT NULL, label_fr text NOT NULL)"
    )
    op.execute("CREATE INDEX ix_custom_field_resource ON custom_field (resource)")
    custom_values(op, *tables)


def custom_values(op: Any, *tables: str) -> None:
    """A column `custom` on these tables, and an index that finds rows by any of its values."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} ADD COLUMN custom jsonb NOT NULL DEFAULT '{{}}'")
        op.execute(f"CREATE INDEX ix_{table}_custom ON {table} USING gin (custom jsonb_path_ops)")


def known(op: Any) -> None:
    """The ids of what requests name and other services own (shared/existence.py)."""
    op.execute("CREATE TABLE known (resource text NOT NULL, id uuid NOT NULL, PRIMARY KEY (resource, id))")


def known_companies(op: Any) -> None:
    """The ids of all companies, the first one in it from the start, where no more of them is kept."""
    op.execute("CREATE TABLE company (id uuid PRIMARY KEY)")
    op.execute(f"INSERT INTO company VALUES ('{DEFAULT_COMPANY_ID}')")


def bound_amounts(op: Any, table: str, *columns: str) -> None:
    """Let the database hold amounts and quantities to the bound of `money.py`; rows from before are left as they are."""
    for column in columns:
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column}_bound CHECK (abs({column}) < {LARGEST}) NOT VALID"
        )


def audited_keys(op: Any) -> None:
    """Room in the audit for the API key with which something was done, in a database that began without."""
    op.execute("ALTER TABLE audit ADD COLUMN IF NOT EXISTS api_key_id uuid")


def jobs_tables(op: Any) -> None:
    """Create what jobs need: files in pieces, the jobs, their row errors, and what an import did to which object."""
    for statement in _JOBS:
        op.execute(statement)
    conceal_files(op)


def conceal_files(op: Any) -> None:
    """Keep uploaded and written files from roles that only read."""
    op.execute(conceal("file_chunk"))


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

_MACHINERY = [
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = '42501';
    END $$
    """,
    """
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY,
        event_id uuid NOT NULL,
        type text NOT NULL,
        routing_key text NOT NULL,
        aggregate_id uuid NOT NULL,
        sequence bigint NOT NULL,
        envelope text NOT NULL,
        state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'published', 'unroutable')),
        created_at timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz,
        PRIMARY KEY (id, created_at)
    ) PARTITION BY RANGE (created_at)
    """,
    "CREATE INDEX outbox_waiting ON outbox (id) WHERE state = 'new'",
    "CREATE INDEX outbox_event ON outbox (event_id)",
    "CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT",
    KEEP_OUTBOX_PARTITIONS,
    "SELECT keep_outbox_partitions(2, 13)",
    """
    CREATE TABLE aggregate_sequence (
        aggregate text NOT NULL,
        aggregate_id uuid NOT NULL,
        last bigint NOT NULL,
        PRIMARY KEY (aggregate, aggregate_id)
    )
    """,
    """
    CREATE TABLE inbox (
        consumer text NOT NULL,
        event_id uuid NOT NULL,
        type text NOT NULL,
        producer text NOT NULL,
        aggregate_id uuid,
        sequence bigint,
        sha256 bytea NOT NULL,
        state text NOT NULL CHECK (state IN ('done', 'trying', 'retry', 'parked', 'discarded')),
        attempts int NOT NULL,
        next_attempt_at timestamptz,
        error_code text,
        envelope bytea,
        received_at timestamptz NOT NULL,
        processed_at timestamptz,
        PRIMARY KEY (consumer, event_id)
    )
    """,
    "CREATE INDEX inbox_due ON inbox (next_attempt_at) WHERE state = 'retry'",
    "CREATE INDEX inbox_open ON inbox (state) WHERE state <> 'done'",
    "CREATE INDEX inbox_event ON inbox (event_id)",
    "CREATE INDEX inbox_received ON inbox USING brin (received_at)",
    """
    CREATE TABLE consumer_position (
        consumer text NOT NULL,
        aggregate_id uuid NOT NULL,
        sequence bigint NOT NULL,
        PRIMARY KEY (consumer, aggregate_id)
    )
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
        changes jsonb NOT NULL
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
