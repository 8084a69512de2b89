"""Whom rows of a file belong to: companies that they name, of the same file before all others."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from crm_contacts.contact import Point
from crm_contacts.models import Contact, ExternalId
from shared.api.reaching import conditions
from shared.contracts import crm_contacts as contacts
from shared.jobs.bulk import Named, Row
from shared.kernel import texts
from shared.kernel.context import current

_NAME = "name"


def names(body: dict[str, Any]) -> Iterable[Point]:
    """By what a contact may be named: its name, or (source, value) of external ids, as `external_ids/<source>`."""
    if isinstance(name := body.get("name"), str):
        yield _NAME, texts.tidy(name)
    yield from ((f"external_ids/{s}", texts.tidy(v)) for s, v in body.get("external_ids", {}).items())


def link(session: Session, rows: list[Row], of_file: Callable[[list[Point]], Named]) -> None:
    """Give each row the id of the one company that it names; none or several are an error of it."""
    wanted = {row.number: _deciding(row.links["parent"]) for row in rows}
    every = sorted({name for of_row in wanted.values() for name in of_row})
    near, far = of_file(every), _kept(session, every)
    there = _existing(session, {id_ for ids in near.values() for id_ in ids})
    for row in rows:
        found = [near.get(name) or far.get(name, set()) for name in wanted[row.number]]
        ids = set[UUID]().union(*found)
        if len(ids) == 1 and all(found):
            _set(row, next(iter(ids)), exists=ids <= there or not any(map(near.get, wanted[row.number])))
        else:
            row.errors.append(
                {
                    "pointer": _pointer(row.links["parent"], wanted[row.number]),
                    "code": "ambiguous" if len(ids) > 1 else "not_found",
                }
            )


def _deciding(parent: dict[str, Any]) -> list[Point]:
    found = list(names(parent))
    return [name for name in found if name[0] != _NAME] or found


def _pointer(parent: dict[str, Any], wanted: list[Point]) -> str:
    return "/parent/" + (wanted[0][0] if wanted else next(iter(parent)))


def _set(row: Row, parent_id: UUID, exists: bool) -> None:
    """What a dry run has rolled back cannot be referred to; it is taken as if it were there."""
    row.unseen = not exists
    row.body = {**row.body, "parent_id": str(parent_id)} if exists else row.body
    if row.made is not None:
        row.made.parent_id = parent_id if exists else None


def _existing(session: Session, ids: set[UUID]) -> set[UUID]:
    return set(session.scalars(select(Contact.id).where(Contact.id.in_(ids)))) if ids else set()


def _kept(session: Session, wanted: list[Point]) -> Named:
    """The companies in use that are named so, as far as the caller reaches."""
    found: Named = {}
    reach = conditions(Contact, current(session), contacts.Contact.create.permission)
    usable = (Contact.kind == "organization", Contact.status == "active", *reach)
    plain = [value for kind, value in wanted if kind == _NAME]
    for id_, name in session.execute(select(Contact.id, Contact.name).where(Contact.name.in_(plain), *usable)):
        found.setdefault((_NAME, name), set()).add(id_)
    pairs = [(kind.partition("/")[2], value) for kind, value in wanted if kind != _NAME]
    statement = select(Contact.id, ExternalId.source, ExternalId.external_id).join_from(
        Contact, ExternalId, ExternalId.contact_id == Contact.id
    )
    same = tuple_(ExternalId.source, ExternalId.external_id).in_(pairs)
    for id_, source, value in session.execute(statement.where(same, *usable)):
        found.setdefault((f"external_ids/{source}", value), set()).add(id_)
    return found
