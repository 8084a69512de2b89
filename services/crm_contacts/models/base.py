"""What the models of crm_contacts have in common."""

from sqlalchemy.orm import DeclarativeBase

from shared.storage.database import Conventions, new_metadata


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()
