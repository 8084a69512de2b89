"""What requests refer to and another service owns: its ids are kept in the table `known`, and nothing else of it.

A member says so by its type, `fields.Known("users")`. Whatever is named there and is not known, or what the caller may not
read, is refused before the handler runs: `companies` of what is known are those in which it is seen (null: all). What is kept
in a table that has a `company_id` (products of sales) handlers look up themselves: the ORM cuts it (`shared/api/reaching.py`).
Of what has an owner (contacts, as customers) services keep replicas (`shared/storage/replicas.py`). What the service
itself owns is looked up in its own table; where a declared field wants records of one kind, such as persons, it is one.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.api.reaching import readable
from shared.kernel.context import Context, current
from shared.kernel.refusals import Invalid
from shared.schema import Refers
from shared.schema.contract import Operation
from shared.schema.resource import RESOURCES
from shared.storage.declared_models import MODELS, referred
from shared.storage.replicas import events_of, replicas_of, resource_of
from shared.wire.named_records import places

_READ = text(
    "SELECT id FROM known WHERE resource = :resource AND id = ANY(CAST(:ids AS uuid[]))"
    " AND (CAST(:companies AS uuid[]) IS NULL OR companies IS NULL OR companies && CAST(:companies AS uuid[]))"
)
_COMPANIES = text("SELECT id FROM company WHERE id = ANY(CAST(:ids AS uuid[]))")
"""A table of their own: services that date documents keep more of them than their ids (`shared/flows/company_copies.py`)."""


def check(session: Session, operation: Operation, request: dict[str, Any]) -> None:
    """Raises Invalid with a pointer to each id of something that does not exist."""
    if found := errors(session, operation, request):
        raise Invalid(found)


def errors(session: Session, operation: Operation, request: dict[str, Any]) -> list[dict[str, Any]]:
    """A pointer to each id of something that does not exist. What was found in this transaction is not read again."""
    if operation.request is None or not (named_at := places(operation.request)):
        return []
    named = [(r, at, id_) for path, r in named_at for at, id_ in _values(request, path, "") if id_ is not None]
    found: dict[str, set[UUID]] = session.info.setdefault("known", {"users": _callers(current(session))})
    for resource in {r for r, _, id_ in named if id_ not in found.get(r, ())}:
        ids = [id_ for r, _, id_ in named if r == resource]
        found.setdefault(resource, set()).update(known(session, operation, resource, ids))
    unknown = [{"pointer": at, "code": "not_found"} for r, at, id_ in named if id_ not in found[r]]
    return unknown or _of_other_kinds(session, operation, request)


def _of_other_kinds(session: Session, operation: Operation, request: dict[str, Any]) -> list[dict[str, Any]]:
    """A pointer to each id of a record that is not of the kind that its field wants (`Refers(where=…)`)."""
    return [
        {"pointer": f"/{name}", "code": "other_kind"}
        for name, cls, wanted in _kinds(operation)
        if (id_ := request.get(name)) is not None
        and any(getattr(session.get(cls, id_), column) != value for column, value in wanted.items())
    ]


@cache
def _kinds(operation: Operation) -> list[tuple[str, Any, Mapping[str, str]]]:
    """Each such field, the mapped class of what it refers to, and what holds for the records that it may name."""
    declared = operation.declared.declaration if operation.declared else None
    found = declared.fields.items() if declared else ()
    return [
        (n, referred(declared.owner, n), f.where) for n, f in found if declared and isinstance(f, Refers) and f.where
    ]


def known(session: Session, operation: Operation, resource: str, ids: Iterable[UUID]) -> set[UUID]:
    """Those of the ids that exist and that the caller may read."""
    return set(_read(session, operation.service, resource, [str(id_) for id_ in ids]))


def _read(session: Session, service: str, resource: str, ids: list[str]) -> Iterable[UUID]:
    if kept := _kept(service, resource):
        return _owned(session, *kept, ids)
    companies = current(session).companies
    allowed = None if companies is None else [str(id_) for id_ in companies]
    statement = _COMPANIES if resource == "companies" else _READ
    return session.execute(statement, {"resource": resource, "ids": ids, "companies": allowed}).scalars()


@cache
def _kept(service: str, resource: str) -> tuple[type[Any], str] | None:
    """The mapped class of a resource in the database of a service, and the permission that reading it asks for."""
    own = RESOURCES.get(service, {}).get(resource)
    if own in MODELS:
        return MODELS[own], own.get.permission
    replica = next((cls for cls in replicas_of(service) if resource_of(cls) == resource), None)
    return (replica, events_of(replica)[0].permission) if replica else None


def _owned(session: Session, cls: type[Any], permission: str, ids: list[str]) -> Iterable[UUID]:
    """The copies stay loaded, because the handler looks at them next."""
    found = session.scalars(select(cls).where(cls.id.in_(ids))).all()
    session.info.setdefault("copies", []).extend(found)
    owners = readable(current(session), permission)
    return [copy.id for copy in found if owners is None or getattr(copy, "owner_id", None) in owners]


def _callers(context: Context) -> set[UUID]:
    """The caller and the caller's team: the edge vouches for them."""
    return {*context.team, *([context.person] if context.person else [])}


def _values(value: Any, path: tuple[str, ...], at: str) -> Iterator[tuple[str, UUID | None]]:
    if isinstance(value, list):
        for n, one in enumerate(value):
            yield from _values(one, path, f"{at}/{n}")
    elif not path:
        yield at, value
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:], f"{at}/{path[0]}")
