"""Roles that only read run none of our functions and see no file, no remembered reply and no kept message.

A remembered reply may hold what is shown only once, a kept message what its producer would not show.
"""

from alembic import op

from shared.storage.functions import guard_functions
from shared.storage.migrations import conceal

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    guard_functions(op)
    op.execute(conceal("idempotency", "body"))
    op.execute(conceal("inbox", "envelope"))
    op.execute(conceal("file_chunk"))
