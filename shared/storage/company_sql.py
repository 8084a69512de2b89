"""Raw SQL restricts itself to the companies that a caller may see; statements of the ORM are restricted by `reaching.py`.

A test lists the statements that need not (tests/architecture/test_raw_sql.py).
"""

from collections.abc import Iterable
from uuid import UUID

ALLOWED = "CAST(:companies AS uuid[])"
"""The companies that the caller may see, null for all."""


def in_companies(column: str) -> str:
    """A condition on the column that says to which company a row belongs; its parameter is `companies`."""
    return restricted(f"{column} = ANY({ALLOWED})")


def restricted(condition: str) -> str:
    """A condition of one's own on `ALLOWED`, for callers who may not see all companies."""
    return f"({ALLOWED} IS NULL OR {condition})"


def company_ids(companies: Iterable[UUID] | None) -> list[str] | None:
    """The parameter `companies`: those that the caller may see, or None for all."""
    return None if companies is None else sorted(map(str, companies))
