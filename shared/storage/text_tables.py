"""What migrations add to tables so that their texts are compared without case and accents (shared/kernel/folding.py)."""

from typing import Any

from shared.kernel.folding import INDEXED


def sorted_texts(op: Any, **tables: tuple[str, ...]) -> None:
    """Indexes of the texts, by table, that lists of many rows are sorted by, or searched by their beginning."""
    for table, columns in tables.items():
        for column in columns:
            op.execute(f"CREATE INDEX ix_{table}_{column}_folded ON {table} ({INDEXED.format(column)}, id)")


def searched_texts(op: Any, table: str, *columns: str) -> None:
    """Indexes that find what these texts contain, and what they are, for lists of many rows.

    pg_trgm is a trusted extension: the owner of a database may create it (PostgreSQL 13 and later).
    """
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for column in columns:
        folded = INDEXED.format(column)
        op.execute(f"CREATE INDEX ix_{table}_{column}_trgm ON {table} USING gin (({folded}) gin_trgm_ops)")


def composed_texts(op: Any, table: str, *columns: str) -> None:
    """Bring texts from before into the form in which they are kept today, Unicode NFC.

    By the Unicode standard it is the same text (canonical equivalence), so neither version nor event follows.
    """
    for column in columns:
        op.execute(f"UPDATE {table} SET {column} = normalize({column}, NFC) WHERE {column} IS NOT NFC NORMALIZED")


def found_by_tag(op: Any, *tables: str) -> None:
    """Let tags be compared as texts are, in place of the index that compared them letter by letter."""
    for table in tables:
        op.execute(f"DROP INDEX ix_{table}_tags")
        op.execute(f"CREATE INDEX ix_{table}_tags ON {table} USING gin (folded_list(tags))")
