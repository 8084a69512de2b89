"""Which records documents of other services name. Their owner keeps it from the documents' events and does not delete them.

What a document names for good is kept once (`keep`); a document that may still change or go, such as a draft, says anew
what it names each time (`name`). Between a document and its event lies the moment that the event travels; in that
moment the owner does not know yet.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_KEEP = text(
    "INSERT INTO used (id, by) SELECT unnest(CAST(:ids AS uuid[])), :by ORDER BY 1 ON CONFLICT (id, by) DO NOTHING"
)
_NAME = text(
    "WITH gone AS (DELETE FROM named WHERE document_id = :document_id AND id <> ALL(CAST(:ids AS uuid[])))"
    " INSERT INTO named (document_id, id, by) SELECT :document_id, unnest(CAST(:ids AS uuid[])), :by ORDER BY 2"
    " ON CONFLICT (document_id, id) DO NOTHING"
)
_BY = text("SELECT by FROM used WHERE id = :id UNION SELECT by FROM named WHERE id = :id ORDER BY by")
_KEPT = text("SELECT EXISTS (SELECT 1 FROM used WHERE id = :id)")
_AMONG = text(
    "SELECT id FROM used WHERE id = ANY(CAST(:ids AS uuid[]))"
    " UNION SELECT id FROM named WHERE id = ANY(CAST(:ids AS uuid[]))"
)


def keep(session: Session, by: str, ids: Iterable[UUID]) -> None:
    """Note that documents of this kind (see error_messages.py) name these records."""
    if named := sorted({str(id_) for id_ in ids}):
        session.execute(_KEEP, {"ids": named, "by": by})


def name(session: Session, by: str, document_id: UUID, ids: Iterable[UUID]) -> None:
    """Note that this document, of this kind, names these records and no others; none, when it is gone."""
    session.execute(_NAME, {"document_id": document_id, "ids": sorted({str(id_) for id_ in ids}), "by": by})


def is_kept(session: Session, id_: UUID) -> bool:
    """Whether a document names the record for good."""
    return bool(session.execute(_KEPT, {"id": id_}).scalar_one())


def users_of(session: Session, id_: UUID) -> list[str]:
    """The kinds of documents that name the record."""
    return list(session.scalars(_BY, {"id": id_}))


def among(session: Session, ids: Iterable[UUID]) -> set[UUID]:
    """Those of the records that documents name."""
    named = [str(id_) for id_ in ids]
    return set(session.scalars(_AMONG, {"ids": named}))
