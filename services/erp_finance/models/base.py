"""The declarative base of this service."""

from sqlalchemy.orm import DeclarativeBase

from shared.database import Conventions, new_metadata


class Base(Conventions, DeclarativeBase):
    """One metadata per service: several services may live in one process."""

    metadata = new_metadata()
