"""The declarative base of this service, and the column that holds taxes by rate."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text, types
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.commerce.taxes import Tax
from shared.kernel import clock
from shared.storage import database
from shared.storage.database import Conventions, new_metadata


class Base(Conventions, DeclarativeBase):
    """One metadata per service: several services may live in one process."""

    metadata = new_metadata()


class Aggregate(database.Aggregate):
    """An aggregate whose rows are also inserted by statements that name neither version nor times."""

    version: Mapped[int] = mapped_column(default=1, server_default=text("1"), sort_order=90)
    created_at: Mapped[datetime] = mapped_column(default=clock.now, server_default=text("now()"), sort_order=91)
    updated_at: Mapped[datetime] = mapped_column(
        default=clock.now, onupdate=clock.now, server_default=text("now()"), sort_order=92
    )


class Taxes(types.TypeDecorator[list[Tax]]):
    """The taxes of a document by rate, as [{tax_code, rate, base, amount}] with decimal strings."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: Iterable[Tax] | None, dialect: Any) -> list[dict[str, str]] | None:
        return None if value is None else [{name: str(getattr(tax, name)) for name in _TAX} for tax in value]

    def process_result_value(self, value: Any, dialect: Any) -> list[Tax] | None:
        return None if value is None else [_read(tax) for tax in value]


_TAX = ("tax_code", "rate", "base", "amount")


def _read(stored: dict[str, str]) -> Tax:
    return Tax(stored["tax_code"], *(Decimal(stored[name]) for name in _TAX[1:]))
