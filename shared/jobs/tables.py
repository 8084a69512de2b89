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


def claims(op: Any) -> None:
    """What the rows of a dry run would have taken (shared/jobs/rehearsing.py)."""
    op.execute(
        "CREATE TABLE job_claim (job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE, key uuid NOT NULL,"
        " object_id uuid NOT NULL)"
    )
    op.execute("CREATE INDEX job_claim_key ON job_claim (job_id, key)")
