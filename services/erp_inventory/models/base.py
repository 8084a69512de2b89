"""The declarative base, and the few facts that every table of the service shares."""

from sqlalchemy.orm import DeclarativeBase

from shared.storage.database import Conventions, new_metadata

CURRENCY = "EUR"
"""The currency in which stock is valued: that of the company."""


class Base(Conventions, DeclarativeBase):
    """Base of this service's models."""

    metadata = new_metadata()
