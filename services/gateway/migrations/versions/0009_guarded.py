"""Secrets are for the gateway alone; a subscription ends with what its owner may see."""

from alembic import op

from shared.storage.migrations import conceal

revision = "0009"
down_revision = "0006"


def upgrade() -> None:
    for statement in (*_CONCEALED, *_SUSPENDED):
        op.execute(statement)


_CONCEALED = (
    conceal("credential"),
    conceal("refresh_token"),
    conceal("sign_in_attempts"),
    conceal("webhook_secret"),
    conceal("api_key", "digest"),
    conceal("event_subscription", "password_hash"),
    conceal("webhook", "url"),  # what follows the host is often a secret of the receiver
    conceal("webhook_delivery", "answer"),
)

_SUSPENDED = (
    "ALTER TABLE event_subscription DROP CONSTRAINT ck_event_subscription_status",
    """
    ALTER TABLE event_subscription ADD CONSTRAINT ck_event_subscription_status
        CHECK (status IN ('creating', 'active', 'updating', 'suspending', 'suspended', 'deleting'))
    """,
    "ALTER TABLE event_subscription ADD COLUMN limited_to jsonb, ADD COLUMN limited_companies jsonb",
)
