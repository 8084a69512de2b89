"""Whoever only reads runs no function of ours and sees no file, no remembered reply and no kept message."""

from alembic import op

from shared.migrations import conceal_files, guarded

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    guarded(op)
    conceal_files(op)
