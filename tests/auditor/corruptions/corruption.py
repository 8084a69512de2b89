"""How a corruption is written down."""

from dataclasses import dataclass

NEW_ID = "gen_random_uuid()"
CONTACTS, SALES, STOCK, BOOKS = "crm_contacts", "crm_sales", "erp_inventory", "erp_finance"


@dataclass(frozen=True)
class Corruption:
    """Statements on one service's database, and the invariants (blank-separated) that must report them."""

    story: str
    noticed_by: str
    service: str
    statements: tuple[str, ...]

    @property
    def expected(self) -> set[str]:
        return set(self.noticed_by.split())


def corrupt(story: str, noticed_by: str, service: str, *statements: str) -> Corruption:
    return Corruption(story, noticed_by, service, statements)


def one(table: str, where: str = "true", order: str = "1", key: str = "id", column: str = "") -> str:
    """A condition that picks the first row of a table that meets another; `column` is what refers to it."""
    return f"{column or key} = (SELECT {key} FROM {table} WHERE {where} ORDER BY {order} LIMIT 1)"


def first(table: str, change: str, where: str = "true", order: str = "1", key: str = "id") -> str:
    """UPDATE of the first row that meets a condition."""
    return f"UPDATE {table} SET {change} WHERE {one(table, where, order, key)}"


def extension(name: str, value: str) -> str:
    """SET clause that gives an envelope another value of an extension."""
    return f'envelope = regexp_replace(envelope, \'"{name}":"[^"]*"\', \'"{name}":"\' || {value} || \'"\')'
