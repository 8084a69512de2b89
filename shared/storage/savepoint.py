"""A part of a transaction that may fail alone: its rows, events, audit entries and remembered replies go with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from shared.kernel.context import current


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """What is raised inside undoes what was done inside, and is raised again."""
    kept = [session.info.setdefault(name, []) for name in ("outbox", "audits", "remember")]
    kept.append(current(session).published)
    lengths = [len(entries) for entries in kept]
    try:
        with session.begin_nested():
            yield
    except BaseException:
        for entries, length in zip(kept, lengths, strict=True):
            del entries[length:]
        session.info["changes"] = {}
        raise
