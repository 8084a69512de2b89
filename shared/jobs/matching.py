"""Which rows of a file stand for something that exists, or did: by id, by an external id, or by a column."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from shared.api import gone
from shared.jobs.bulk import KEYS_SEEN, Loader, Row
from shared.jobs.single import told
from shared.kernel import texts
from shared.kernel.refusals import IdConflict
from shared.storage.database import Aggregate
from shared.tables.paths import Column

_EXTERNAL = "external_ids."


def matchable(cls: type[Aggregate] | None, by: str) -> bool:
    """Whether resources of a class can be found by this."""
    if cls is None:
        return False
    if by.startswith(_EXTERNAL):
        return hasattr(cls, "external_ids") and len(by) > len(_EXTERNAL)
    attributes = inspect(cls).column_attrs
    return by in attributes and attributes[by].columns[0].type.python_type in (str, UUID)


def key_of(body: dict[str, Any], column: Column) -> str | None:
    """The value of a row by which it is found; None when the row does not say."""
    value: Any = body
    for step in column.steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return texts.tidy(value) or None if isinstance(value, str) else None


def match(
    session: Session, job_id: UUID, cls: type[Aggregate], loader: Loader | None, by: str, rows: list[Row]
) -> None:
    """Set `row.existing`. A key that came before in the file, or that several resources have, is an error of the row."""
    keys = sorted({row.key for row in rows if row.key is not None})
    if not keys:
        return
    seen = set(session.scalars(KEYS_SEEN, {"job_id": job_id, "keys": keys}))
    found: dict[str, set[UUID]] = {}
    given = loader.match(session, by, keys) if loader else None
    for key, id_ in _by_column(session, cls, by, keys) if given is None else given:
        found.setdefault(key, set()).add(id_)
    for row in rows:
        if row.key is None:
            continue
        if row.key in seen:
            row.errors.append({"pointer": "/" + by.replace(".", "/"), "code": "duplicate"})
        elif len(found.get(row.key, ())) > 1:
            row.errors.append({"pointer": "/" + by.replace(".", "/"), "code": "ambiguous"})
        elif row.key in found:
            (row.existing,) = found[row.key]
        seen.add(row.key)


def refuse_used(session: Session, cls: type[Aggregate] | None, rows: list[Row]) -> None:
    """As `Call` does for one request: an id that a record has or had is not used again."""
    chosen = {row.number: row.values["id"] for row in rows if row.values and "id" in row.values}
    used = gone.used(session, cls, set(chosen.values())) if cls else set()
    for row in rows:
        if chosen.get(row.number) in used:
            row.errors += told(IdConflict(id=chosen[row.number]))


def says(shown: Any, given: Any) -> bool:
    """Whether a resource as it is shown says what a row gives of it; of objects in it a file may leave members out."""
    if isinstance(given, dict) and isinstance(shown, dict):
        return all(says(shown.get(name), value) for name, value in given.items())
    if isinstance(given, list) and isinstance(shown, list):
        return len(shown) == len(given) and all(map(says, shown, given))
    return bool(shown == given)


def _by_column(session: Session, cls: type[Aggregate], by: str, keys: list[str]) -> Iterable[tuple[str, UUID]]:
    if by.startswith(_EXTERNAL):
        column: Any = getattr(cls, "external_ids")[by.removeprefix(_EXTERNAL)].astext  # noqa: B009
        wanted: list[Any] = list(keys)
    else:
        column = getattr(cls, by)
        wanted = uuids(keys) if inspect(cls).column_attrs[by].columns[0].type.python_type is UUID else list(keys)
    rows = session.execute(select(column, cls.id).where(column.in_(wanted)))
    return [(str(value), id_) for value, id_ in rows]


def uuids(keys: Iterable[str]) -> list[UUID]:
    """Those of the keys that are ids."""
    found = []
    for key in keys:
        try:
            found.append(UUID(key))
        except ValueError:
            continue
    return found
