"""What every service on the bus has: outbox, inbox, idempotency, audit, timers."""

from alembic import op

from shared.migrations import machinery

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    machinery(op)
