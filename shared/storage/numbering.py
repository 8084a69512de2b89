"""Numbers of documents that may have gaps, so that nobody waits for them. Invoices, which may not, are the ledger's."""

from typing import Any

from sqlalchemy import Text, cast, func, literal, select, text
from sqlalchemy.orm import Session


def next_loose(session: Session, sequence: str) -> int:
    """The next value of a PostgreSQL sequence: unique and rising, with gaps, and never waiting."""
    number: int = session.execute(text("SELECT nextval(:name)"), {"name": sequence}).scalar_one()
    return number


def loose_number(prefix: str, sequence: str) -> Any:
    """A column's default, made by the INSERT itself of the next value of a sequence: `prefix` and at least six digits."""
    digits = cast(func.nextval(sequence).column_valued("n"), Text)
    padded = func.lpad(digits, func.greatest(6, func.length(digits)), "0")
    return select(literal(prefix) + padded).scalar_subquery()
