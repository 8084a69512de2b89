"""What was made with an API key ends with it: keys, webhooks and subscriptions say which one that was."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("ALTER TABLE api_key ADD COLUMN parent_id uuid REFERENCES api_key (id) ON DELETE CASCADE")
    op.execute("CREATE INDEX ix_api_key_parent_id ON api_key (parent_id) WHERE parent_id IS NOT NULL")
    for table in ("webhook", "event_subscription"):  # no reference: the key may be forgotten
        op.execute(f"ALTER TABLE {table} ADD COLUMN api_key_id uuid")
    for table, column in (("api_key", "parent_id"), ("webhook", "api_key_id"), ("event_subscription", "api_key_id")):
        op.execute(_SHOW.format(table=table, column=column))


_SHOW = """
    DO $$ DECLARE
        reader name;
    BEGIN
        FOR reader IN
            SELECT rolname FROM pg_attribute, aclexplode(attacl), pg_roles
            WHERE attrelid = '{table}'::regclass AND attname = 'id' AND pg_roles.oid = grantee
        LOOP
            EXECUTE format('GRANT SELECT ({column}) ON {table} TO %I', reader);
        END LOOP;
    END $$
"""
"""Whoever may read a table column by column may read the new column as well: it is no secret."""
