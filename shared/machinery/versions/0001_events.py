"""What was published and what was received: outbox, inbox, and their places in the order of events."""

from alembic import op

from shared.storage.functions import KEEP_OUTBOX_PARTITIONS

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in (*_OUTBOX, *_INBOX):
        op.execute(statement)


_OUTBOX = [
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
        bulk boolean NOT NULL DEFAULT false,
        PRIMARY KEY (id, created_at)
    ) PARTITION BY RANGE (created_at)
    """,
    "CREATE INDEX outbox_waiting ON outbox (bulk, id) WHERE state = 'new'",
    "CREATE INDEX outbox_event ON outbox (event_id)",
    "CREATE INDEX outbox_bulk ON outbox (aggregate_id) WHERE state <> 'published' AND bulk",
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
]

_INBOX = [
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
]
