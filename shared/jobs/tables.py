"""What migrations add to the tables of jobs and beside them."""

from typing import Any


def error_cells(op: Any) -> None:
    """Room for what stood in the cell that a row error is about."""
    op.execute("ALTER TABLE job_error ADD COLUMN IF NOT EXISTS cell text")


def uses(op: Any) -> None:
    """Which records documents of other services name (shared/uses.py)."""
    op.execute(
        "CREATE TABLE used (id uuid NOT NULL, by text NOT NULL, since timestamptz NOT NULL DEFAULT now(),"
        " PRIMARY KEY (id, by))"
    )
