"""Users with companies and teams, roles of one's own making, API keys, and who came in."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


_STATEMENTS = (
    """
    ALTER TABLE app_user
        ADD COLUMN companies uuid[] CHECK (cardinality(companies) > 0),
        ADD COLUMN team text,
        ADD COLUMN manager_id uuid REFERENCES app_user (id),
        ADD COLUMN last_sign_in_at timestamptz,
        ADD COLUMN sessions_ended_at timestamptz
    """,
    "CREATE INDEX ix_app_user_manager_id ON app_user (manager_id) WHERE manager_id IS NOT NULL",
    "CREATE INDEX ix_app_user_team ON app_user (team) WHERE team IS NOT NULL",
    "CREATE INDEX ix_app_user_created_at_id ON app_user (created_at, id)",
    """
    CREATE TABLE credential (
        user_id uuid PRIMARY KEY REFERENCES app_user (id) ON DELETE CASCADE,
        password_hash text,
        changed_at timestamptz NOT NULL,
        invitation bytea UNIQUE,
        invited_until timestamptz,
        CHECK ((invitation IS NULL) = (invited_until IS NULL))
    )
    """,
    "INSERT INTO credential (user_id, password_hash, changed_at) SELECT id, password_hash, updated_at FROM app_user",
    """
    UPDATE app_user u SET last_sign_in_at = r.at
    FROM (SELECT user_id, max(issued_at) AS at FROM refresh_token GROUP BY user_id) r WHERE r.user_id = u.id
    """,
    "ALTER TABLE app_user DROP COLUMN password_hash",
    """
    CREATE TABLE role (
        id uuid PRIMARY KEY,
        name text NOT NULL CONSTRAINT uq_role_name UNIQUE,
        permissions text[] NOT NULL,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE api_key (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        key_id text NOT NULL CONSTRAINT uq_api_key_key_id UNIQUE,
        digest bytea NOT NULL,
        scopes text[] NOT NULL,
        owner_id uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
        company_id uuid,
        expires_at timestamptz,
        last_used_at timestamptz,
        revoked_at timestamptz,
        version bigint NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX ix_api_key_owner_id ON api_key (owner_id, created_at, id)",
    """
    CREATE TABLE sign_in (
        id uuid PRIMARY KEY,
        at timestamptz NOT NULL,
        outcome text NOT NULL,
        email text,
        user_id uuid,
        address text NOT NULL,
        detail text
    )
    """,
    "CREATE INDEX ix_sign_in_at_id ON sign_in (at, id)",
    """
    CREATE TABLE sign_in_attempts (
        key bytea PRIMARY KEY,
        failures bigint NOT NULL,
        last_at timestamptz NOT NULL,
        blocked_until timestamptz
    )
    """,
)
