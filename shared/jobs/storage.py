"""Files of jobs in the database of their service, in pieces, so that every replica has them and a restart loses none."""

import base64
import binascii
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from shared.kernel.refusals import Conflict, Invalid
from shared.schema.derived.job_contract import CHUNK_BYTES, DAYS_KEPT, LARGEST_FILE
from shared.storage.present import timed

MOST_CHUNKS = LARGEST_FILE // CHUNK_BYTES + 1
QUOTA = 10 * LARGEST_FILE
"""Bytes of files that one user may have stored in one service."""

_KEEP = timed(
    "INSERT INTO file_chunk (file_id, number, content, actor, created_at)"
    " VALUES (:file_id, :number, :content, :actor, present())"
    " ON CONFLICT (file_id, number) DO NOTHING RETURNING 1"
)
_READ = text("SELECT content FROM file_chunk WHERE file_id = :file_id AND number = :number")
_KEPT = text("SELECT coalesce(sum(octet_length(content)), 0) FROM file_chunk WHERE actor = :actor")
_FACTS = text(
    "SELECT count(*) AS pieces, coalesce(sum(length(content)), 0) AS bytes, coalesce(max(number), -1) AS last,"
    " coalesce(bool_and(actor = :actor), false) AS own FROM file_chunk WHERE file_id = :file_id"
)


class IncompleteFile(Conflict):
    """Not all pieces of the file are here, or they are somebody else's."""

    code = "incomplete_file"
    en = "The file has not arrived completely; send it again."
    fr = "Le fichier n'est pas arrivé en entier ; envoyez-le de nouveau."


class StorageFull(Conflict):
    """Uploads and results of one user that are kept at the same time, in one service. Details: limit, days."""

    code = "storage_full"
    en = (
        "Your stored files would take more than {limit} MB. Uploads go within two hours of their import, results of"
        " exports after {days} days."
    )
    fr = (
        "Vos fichiers conservés dépasseraient {limit} Mo. Les envois disparaissent dans les deux heures qui suivent"
        " leur import, les résultats d'export après {days} jours."
    )


def check_quota(session: Session, actor: str, more: int = 0) -> None:
    """Raise StorageFull when what is kept for the actor, and so many bytes more, would go beyond QUOTA."""
    if session.execute(_KEPT, {"actor": actor}).scalar_one() + more > QUOTA:
        raise StorageFull(limit=QUOTA // 1024**2, days=DAYS_KEPT)


def decoded(content: str) -> bytes:
    """A piece of a file. Raises Invalid."""
    try:
        piece = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid.at("/content", "invalid") from None
    if not 0 < len(piece) <= CHUNK_BYTES:
        raise Invalid.at("/content", "out_of_range")
    return piece


def keep(session: Session, file_id: UUID, number: int, piece: bytes, actor: str) -> None:
    """Write a piece. Raises IncompleteFile when there is one already: pieces are never changed."""
    values = {"file_id": file_id, "number": number, "content": piece, "actor": actor}
    if not session.execute(_KEEP, values).first():
        raise IncompleteFile


def check_complete(session: Session, file_id: UUID, size: int, actor: str) -> None:
    """Raise IncompleteFile unless the pieces 0 … n are all here, make up that size and are this actor's."""
    facts = session.execute(_FACTS, {"file_id": file_id, "actor": actor}).one()
    if not facts.own or facts.bytes != size or facts.last != facts.pieces - 1:
        raise IncompleteFile


def drop(session: Session, file_id: UUID) -> None:
    session.execute(text("DELETE FROM file_chunk WHERE file_id = :file_id"), {"file_id": file_id})


def piece(session: Session, file_id: UUID, number: int) -> bytes | None:
    """A piece, or None behind the last one."""
    found = session.execute(_READ, {"file_id": file_id, "number": number}).scalar_one_or_none()
    return None if found is None else bytes(found)


@contextmanager
def as_file(engine: Engine, file_id: UUID, sha256: str, give_way: Callable[[], None]) -> Iterator[IO[bytes]]:
    """The whole file, on disk for as long as it is needed. Raises IncompleteFile when it is another one."""
    with tempfile.TemporaryFile() as file, Session(engine) as session:
        digest, number = hashlib.sha256(), 0
        while (content := piece(session, file_id, number)) is not None:
            file.write(content)
            digest.update(content)
            number += 1
            give_way()
        session.rollback()
        if digest.hexdigest() != sha256:
            raise IncompleteFile
        file.seek(0)
        yield file


def keep_file(session: Session, file_id: UUID, number: int, file: IO[bytes], actor: str) -> int:
    """Write what a file holds from its present position on as pieces from `number`; returns the next number."""
    while content := file.read(CHUNK_BYTES):
        keep(session, file_id, number, content, actor)
        number += 1
    return number


_SWEEPS = (
    timed(  # results and files that nobody needs any more; an upload whose job never began, after an hour
        "DELETE FROM file_chunk WHERE ctid = ANY(ARRAY(SELECT c.ctid FROM file_chunk c WHERE"
        " c.created_at < present() - make_interval(days => :days) OR (c.created_at < present() - interval '1 hour'"
        " AND NOT EXISTS (SELECT 1 FROM job j WHERE j.upload_id = c.file_id"
        " AND (j.kind = 'export' OR j.status IN ('queued', 'running')))) LIMIT 1000))"
    ),
    timed(  # what an undo would need
        "DELETE FROM job_row WHERE ctid = ANY(ARRAY(SELECT r.ctid FROM job_row r JOIN job j ON j.id = r.job_id"
        " WHERE j.finished_at < present() - make_interval(days => :days) LIMIT 20000))"
    ),
    text(  # what only the batches of a dry run need
        "DELETE FROM job_claim WHERE ctid = ANY(ARRAY(SELECT c.ctid FROM job_claim c JOIN job j ON j.id = c.job_id"
        " WHERE j.finished_at IS NOT NULL LIMIT 20000))"
    ),
    timed(
        "DELETE FROM job WHERE id = ANY(ARRAY(SELECT id FROM job"
        " WHERE finished_at < present() - make_interval(days => :old)"
        " AND NOT EXISTS (SELECT 1 FROM job_row WHERE job_id = job.id) LIMIT 200))"
    ),
)
_DAYS_LISTED = 90


def sweep(session: Session) -> None:
    """Forget files and journals that have served their time, in bounded portions."""
    for statement in _SWEEPS:
        session.execute(statement, {"days": DAYS_KEPT, "old": _DAYS_LISTED})
