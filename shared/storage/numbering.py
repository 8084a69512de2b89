"""Human numbers: without gaps where law asks for it, without waiting elsewhere."""

from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, literal, select, text
from sqlalchemy.orm import Session

_NEXT = text(
    "INSERT INTO number_series AS n (series, company_id, year, last) VALUES (:series, :company_id, :year, 1)"
    " ON CONFLICT (series, company_id, year) DO UPDATE SET last = n.last + 1 RETURNING last"
)


def next_gap_free(session: Session, series: str, company_id: UUID, year: int) -> int:
    """The next number of a series, from 1, without gap or double.

    The row stays locked until the transaction ends, so call it last: everything after it is serial.
    """
    number: int = session.execute(_NEXT, {"series": series, "company_id": company_id, "year": year}).scalar_one()
    return number


def next_loose(session: Session, sequence: str) -> int:
    """The next value of a PostgreSQL sequence: unique and rising, with gaps, and never waiting."""
    number: int = session.execute(text("SELECT nextval(:name)"), {"name": sequence}).scalar_one()
    return number


def loose_number(prefix: str, sequence: str) -> Any:
    """A column's default, made by the INSERT itself of the next value of a sequence: `prefix` and at least six digits."""
    digits = cast(func.nextval(sequence).column_valued("n"), Text)
    padded = func.lpad(digits, func.greatest(6, func.length(digits)), "0")
    return select(literal(prefix) + padded).scalar_subquery()
