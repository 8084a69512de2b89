"""Who has which role where."""

from datetime import date
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from crm_contacts.models.base import Base
from shared.contracts.crm_contacts import affiliations
from shared.storage.database import Aggregate


class Affiliation(Aggregate, Base, of=affiliations.Affiliation):
    """A person's role in an organization."""

    person_id: Mapped[UUID] = mapped_column(ForeignKey("contact.id"))
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("contact.id"))
    role: Mapped[str]
    main: Mapped[bool]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
