"""Jobs and what they leave behind, in tables that the machinery has in every service."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.storage.constraints import one_of
from shared.storage.database import Aggregate, Conventions, new_metadata

OPEN = ("queued", "running")


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()


class Job(Aggregate, Base):
    """One job. `circumstances` are those of the user who asked for it; it runs with their rights and in their name.

    `checkpoint` is where to go on; it is written in the transaction of the batch that it comes after. A runner holds a
    job by `runner` until `leased_until`; `takeovers` counts how often it was taken from one that had ended.
    """

    __tablename__ = "job"
    __table_args__ = (
        one_of("kind", "import", "export", "undo"),
        one_of("status", "queued", "running", "succeeded", "failed", "cancelled"),
        Index("job_open", "id", postgresql_where=text("status IN ('queued', 'running')")),
        Index("job_actor", "actor", "id"),
    )

    kind: Mapped[str]
    resource: Mapped[str]
    status: Mapped[str] = mapped_column(default="queued")
    actor: Mapped[str]
    circumstances: Mapped[dict[str, Any]]
    options: Mapped[dict[str, Any]]
    upload_id: Mapped[UUID | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    checkpoint: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    failure: Mapped[dict[str, Any] | None]
    cancelled: Mapped[bool] = mapped_column(default=False)
    runner: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    takeovers: Mapped[int] = mapped_column(default=0)
    undoes: Mapped[UUID | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"), unique=True)
    undone_by: Mapped[UUID | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def ended(self) -> bool:
        return self.status not in OPEN
