"""The limits that users, roles, keys, webhooks and subscriptions are declared with hold in the database too.

Rows from before are left as they are.
"""

from alembic import op

revision = "0024"
down_revision = "0023"

_REASONS = "'gone', 'retries_exhausted', 'failing_too_long', 'owner_inactive', 'key_ended'"
_LIMITS = {
    "app_user": {
        "email": "length(email) BETWEEN 3 AND 254",
        "name": "length(name) BETWEEN 1 AND 200",
        "roles": "cardinality(roles) <= 50",
    },
    "role": {
        "name": "length(name) BETWEEN 2 AND 50",
        "permissions": "cardinality(permissions) BETWEEN 1 AND 500",
    },
    "api_key": {
        "name": "length(name) BETWEEN 1 AND 200",
        "key_id": "length(key_id) <= 8",
        "scopes": "cardinality(scopes) BETWEEN 1 AND 200",
    },
    "webhook": {
        "url": "length(url) BETWEEN 1 AND 2048",
        "event_types": "jsonb_array_length(event_types) BETWEEN 1 AND 50",
        "description": "length(description) <= 500",
        "disabled_reason": f"disabled_reason IN ({_REASONS})",
    },
    "event_subscription": {
        "name": "length(name) BETWEEN 1 AND 100",
        "owner_id": "length(owner_id) <= 200",
        "bindings": "jsonb_array_length(bindings) BETWEEN 1 AND 50",
        "max_length": "max_length BETWEEN 1 AND 1000000",
        "message_ttl": "message_ttl BETWEEN 1 AND 2592000",
        "messages": "messages BETWEEN 0 AND 2147483647",
        "consumers": "consumers BETWEEN 0 AND 2147483647",
    },
}


def upgrade() -> None:
    for table, limits in _LIMITS.items():
        for column, condition in limits.items():
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column} CHECK ({condition}) NOT VALID")
    op.execute("ALTER INDEX ix_app_user_created_at_id RENAME TO ix_app_user_created_at")
    for table in ("api_key", "webhook", "event_subscription"):
        op.execute(f"CREATE INDEX ix_{table}_created_at ON {table} (created_at, id)")
