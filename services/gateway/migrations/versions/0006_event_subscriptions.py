"""Queues of other systems on the broker: what is wanted there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "event_subscription",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("bindings", JSONB(), nullable=False),
        sa.Column("keys", JSONB(), nullable=False),
        sa.Column("max_length", sa.BigInteger(), nullable=False),
        sa.Column("message_ttl", sa.BigInteger()),
        sa.Column("replay", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("messages", sa.BigInteger()),
        sa.Column("consumers", sa.BigInteger()),
        sa.Column("measured_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('creating', 'active', 'updating', 'deleting')", name="ck_event_subscription_status"
        ),
    )
    op.create_index(
        "ix_event_subscription_unsettled", "event_subscription", ["id"], postgresql_where=sa.text("status <> 'active'")
    )
