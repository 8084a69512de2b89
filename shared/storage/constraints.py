"""What models say of their tables besides the columns: constraints and indexes of the kinds that many have.

The migrations make them; a test holds both to the same (tests/migrations/test_models.py).
"""

from sqlalchemy import CheckConstraint, Index, text

from shared.kernel.folding import INDEXED
from shared.kernel.money import LARGEST


def one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def positive(*columns: str) -> list[CheckConstraint]:
    return [CheckConstraint(f"{column} > 0", name=column) for column in columns]


def not_negative(*columns: str) -> list[CheckConstraint]:
    return [CheckConstraint(f"{column} >= 0", name=column) for column in columns]


def bounded(*columns: str) -> list[CheckConstraint]:
    """Amounts and quantities within the bound of `money.py`."""
    return [CheckConstraint(f"abs({column}) < {LARGEST}", name=f"{column}_bound") for column in columns]


def where_given(name: str, *columns: str, unique: bool = False) -> Index:
    """An index of the rows that have a value in the first of these columns."""
    return Index(name, *columns, unique=unique, postgresql_where=text(f"{columns[0]} IS NOT NULL"))


def sorted_texts(table: str, *columns: str) -> list[Index]:
    """For lists that are sorted by these texts, or searched by their beginning (shared/kernel/folding.py)."""
    return [Index(f"ix_{table}_{column}_folded", text(INDEXED.format(column)), "id") for column in columns]


def searched_texts(table: str, *columns: str) -> list[Index]:
    """For lists that are searched by what these texts contain."""
    return [
        Index(f"ix_{table}_{column}_trgm", text(f"({INDEXED.format(column)}) gin_trgm_ops"), postgresql_using="gin")
        for column in columns
    ]


def found_by_tag(table: str) -> Index:
    return Index(f"ix_{table}_tags", text("folded_list(tags)"), postgresql_using="gin")


def found_by_content(table: str, *columns: str) -> list[Index]:
    """For lists that are filtered by what a JSON object in these columns holds."""
    return [
        Index(f"ix_{table}_{column}", text(f"{column} jsonb_path_ops"), postgresql_using="gin") for column in columns
    ]


EMPTY_OBJECT = text("'{}'")
"""What the database puts in a column `custom` of rows from before it."""
