"""Who reached a record that is gone: its deletion keeps the owner and the companies, so that reading of it afterwards is
decided by today's reach as if it were still there. Its id is never given to another record."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, select, union
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from shared.api.reaching import owners, within
from shared.kernel.context import Context, current
from shared.kernel.refusals import NotFound
from shared.storage.auditing import REACH, WHOLE
from shared.storage.database import Aggregate, Conventions, kind_of, new_metadata


class _Base(Conventions, DeclarativeBase):
    metadata = new_metadata()


class Audit(_Base):
    """A row that shared/storage/auditing.py wrote."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_object", "object_id", "at"), Index("audit_request", "request_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    object_id: Mapped[UUID | None]
    request_id: Mapped[str]
    changes: Mapped[dict[str, Any]]
    api_key_id: Mapped[UUID | None]


def deletion(session: Session, cls: type[Aggregate], id_: UUID) -> Audit | None:
    """The row that tells of the removal of a record."""
    deleted = Audit.changes[f"{cls.__name__}/{id_}"][WHOLE][0].astext == "deleted"
    return session.scalars(select(Audit).where(Audit.object_id == id_, deleted).limit(1)).first()


def used(session: Session, cls: type[Aggregate], ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that a record of the service has or had, whatever its kind: a history is read by the id alone.

    One statement, so that a deletion which commits meanwhile is seen as the record or as its audit row. What this
    transaction did has no audit row yet.
    """
    if not ids:
        return set()
    present = select(cls.id).where(cls.id.in_(ids))
    audited = select(Audit.object_id).where(Audit.object_id.in_(ids))
    pending = {UUID(object_id) for _, _, object_id, _ in session.info.get("audits", ()) if object_id}
    return set(session.scalars(union(present, audited))) | pending.intersection(ids)


def check_reach(session: Session, cls: type[Aggregate] | None, id_: Any, permission: str) -> None:
    """An answer is given again to a caller who still reaches what it is about. Raises NotFound."""
    if cls and id_ and not is_reached(session, cls, UUID(str(id_)), permission):
        raise NotFound(what=kind_of(cls), id=id_)


def is_reached(session: Session, cls: type[Aggregate], id_: UUID, permission: str) -> bool:
    """Whether the caller reaches a record that is there, or was."""
    if found := session.get(cls, id_):
        return within(found, current(session), permission)
    return reached(session, cls, deletion(session, cls, id_), permission)


def reached(session: Session, cls: type[Aggregate], gone: Audit | None, permission: str) -> bool:
    """Whether the caller would reach a removed record today; one of which nothing is kept, if they reach all."""
    context = current(session)
    kept = gone.changes[f"{cls.__name__}/{gone.object_id}"].get(REACH, [{}])[0] if gone else {}
    return _owned(kept, context, permission) and _in_companies(kept, context)


def _owned(kept: dict[str, Any], context: Context, permission: str) -> bool:
    known = owners(context, permission)
    return known is None or kept.get("owner") in {str(one) for one in known}


def _in_companies(kept: dict[str, Any], context: Context) -> bool:
    companies = kept.get("companies", [])
    return context.companies is None or companies is None or not set(companies).isdisjoint(map(str, context.companies))
