"""Who works together."""

from uuid import UUID

from sqlalchemy.orm import Mapped

from crm_contacts.models.base import Base
from shared.contracts.crm_contacts import teams
from shared.storage.database import Aggregate


class Team(Aggregate, Base, of=teams.Team):
    """People who work together."""

    name: Mapped[str]
    manager_id: Mapped[UUID | None]
    description: Mapped[str | None]
    active: Mapped[bool]
