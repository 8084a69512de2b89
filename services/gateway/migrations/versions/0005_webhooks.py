"""Webhooks, their secrets, their progress, and the log of deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"


def _of_webhook(primary: bool = False) -> sa.Column[object]:
    target = sa.ForeignKey("webhook.id", ondelete="CASCADE")
    return sa.Column("webhook_id", sa.Uuid(), target, nullable=False, primary_key=primary)


def _instant(name: str, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    _webhook()
    _progress()
    _delivery()


def _webhook() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("limited_to", JSONB(none_as_null=True)),
        sa.Column("limited_companies", JSONB(none_as_null=True)),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("event_types", JSONB(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.Text()),
        _instant("disabled_at"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        _instant("created_at", nullable=False),
        _instant("updated_at", nullable=False),
        sa.CheckConstraint("disabled_reason IS NULL OR NOT active", name="ck_webhook_disabled_or_active"),
    )
    op.create_index("ix_webhook_owner_id", "webhook", ["owner_id"])
    op.create_table(
        "webhook_secret",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _of_webhook(),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _instant("created_at", nullable=False),
        _instant("expires_at"),
    )
    op.create_index("ix_webhook_secret_webhook_id", "webhook_secret", ["webhook_id"])


def _progress() -> None:
    op.create_table(
        "webhook_progress",
        _of_webhook(primary=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        _instant("failing_since"),
        _instant("due_at", nullable=False),
        sa.Column("lease", sa.Uuid()),
        _instant("leased_until"),
    )
    op.create_index("ix_webhook_progress_due_at", "webhook_progress", ["due_at"])


def _delivery() -> None:
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _of_webhook(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        _instant("at", nullable=False),
        sa.Column("status_code", sa.BigInteger()),
        sa.Column("duration_ms", sa.BigInteger()),
        sa.Column("error_code", sa.Text()),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("envelope", sa.Text()),
        _instant("leased_until"),
        sa.CheckConstraint("kind IN ('event', 'test', 'redelivery')", name="ck_webhook_delivery_kind"),
        sa.CheckConstraint("status IN ('pending', 'delivered', 'failed')", name="ck_webhook_delivery_status"),
    )
    op.create_index("ix_webhook_delivery_webhook_id_at", "webhook_delivery", ["webhook_id", "at", "id"])
    op.create_index("ix_webhook_delivery_at", "webhook_delivery", ["at"])
    pending = sa.text("status = 'pending'")
    op.create_index("ix_webhook_delivery_pending", "webhook_delivery", ["id"], postgresql_where=pending)
