"""Words by which records are grouped."""

from sqlalchemy.orm import Mapped

from crm_contacts.models.base import Base
from shared.contracts.crm_contacts import tags
from shared.storage.database import Aggregate


class Tag(Aggregate, Base, of=tags.Tag):
    """A word, and when to use it."""

    name: Mapped[str]
    colour: Mapped[str]
    description: Mapped[str | None]
