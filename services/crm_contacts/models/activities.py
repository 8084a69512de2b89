"""What was done for contacts, and what is to be done."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from crm_contacts.models.base import Base
from shared.contracts.crm_contacts import activities
from shared.kernel import clock
from shared.storage.database import Aggregate


class Activity(Aggregate, Base, of=activities.Activity):
    """A note, call, e-mail, meeting or task."""

    type: Mapped[str]
    status: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str | None]
    contact_id: Mapped[UUID | None] = mapped_column(ForeignKey("contact.id"))
    owner_id: Mapped[UUID | None]
    due_at: Mapped[datetime | None]
    reminder_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None]

    def complete(self, outcome: str | None = None) -> None:
        """It is done now."""
        self.allow("complete")
        self.status, self.done_at, self.outcome = "done", clock.now(), outcome

    def reopen(self) -> None:
        """It is not done after all."""
        self.allow("reopen")
        self.status, self.done_at, self.outcome = "open", None, None
