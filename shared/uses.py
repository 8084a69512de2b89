"""Which records documents of other services name. Their owner keeps it from the documents' events and does not delete them.

Between a document and its event lies the moment that the event travels; in that moment the owner does not know yet.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_KEEP = text(
    "INSERT INTO used (id, by) SELECT unnest(CAST(:ids AS uuid[])), :by ORDER BY 1 ON CONFLICT (id, by) DO NOTHING"
)
_BY = text("SELECT by FROM used WHERE id = :id ORDER BY by")
_AMONG = text("SELECT DISTINCT id FROM used WHERE id = ANY(CAST(:ids AS uuid[]))")


def keep(session: Session, by: str, ids: Iterable[UUID]) -> None:
    """Note that documents of this kind (see messages.py) name these records."""
    if named := sorted({str(id_) for id_ in ids}):
        session.execute(_KEEP, {"ids": named, "by": by})


def users_of(session: Session, id_: UUID) -> list[str]:
    """The kinds of documents that name the record."""
    return list(session.scalars(_BY, {"id": id_}))


def among(session: Session, ids: Iterable[UUID]) -> set[UUID]:
    """Those of the records that documents name."""
    named = [str(id_) for id_ in ids]
    return set(session.scalars(_AMONG, {"ids": named}))
