"""Contacts by the thousand: the same rules as one by one, in a few statements per batch."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, inspect, select, text, tuple_
from sqlalchemy.orm import Session

from crm_contacts import identity, parents
from crm_contacts.contact import ImportedContact, Point
from crm_contacts.models import Contact, ContactPoint
from shared.contracts import crm_contacts as contacts
from shared.jobs import bulk
from shared.jobs.bulk import Named, Row
from shared.kernel.clock import now
from shared.storage import uses
from shared.storage.outbox import publish
from shared.storage.rows import dumps, insert

_COLUMNS = [attribute.key for attribute in inspect(Contact).column_attrs]
_KINDS = ("email", "siren", "siret", "vat_number")
_NAMES_OF_PERSONS = {"first_name", "last_name"}
_NAMES = {"name", "legal_name", *_NAMES_OF_PERSONS}


class ContactLoader(bulk.Loader):
    """How contacts are imported."""

    creates = contacts.Contact.create

    def tidy(self, body: dict[str, Any]) -> dict[str, Any]:
        """The name of a person is made of first and last name; an export writes it down as well."""
        _infer_types(body.get("addresses"))
        parent = body.get("parent", {})
        if (
            parent.keys() == {"name"} and not _NAMES & body.keys() and body.get("kind") != "person"
        ):  # a company among people
            body["name"] = parent.pop("name")
        if not parent or "parent_id" in body:
            body.pop("parent", None)
        if "name" in body and {"first_name", "last_name"} & body.keys() and body.get("kind", "person") == "person":
            made = " ".join(body[part] for part in ("first_name", "last_name") if body.get(part))
            if body["name"] == made:
                return {name: value for name, value in body.items() if name != "name"}
        return body

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """A row that has a first or last name is a person; any other that has a name is an organization."""
        if "kind" in body or not _NAMES & body.keys():
            return body
        return {**body, "kind": "person" if _NAMES_OF_PERSONS & body.keys() else "organization"}

    def prepare(self, values: dict[str, Any]) -> ImportedContact:
        return ImportedContact.register(values)

    def write(self, session: Session, rows: list[Row]) -> None:
        _refuse_known(session, rows)
        _refuse_orphans(session, rows)
        rows = [row for row in rows if not row.errors]
        for row in rows:
            row.made.custom = (row.values or {}).get("custom") or {}
        points = {row.made.id: sorted(row.made.points()) for row in rows}
        _warn(session, rows, points)
        at = now().isoformat()
        insert(session, "contact", [_columns(row.made, at) for row in rows])
        insert(session, "contact_point", _point_rows(points))
        insert(session, "contact_external_id", [_external(*known) for known in _external_ids(rows)])
        for row in rows:
            publish(session, row.made.created())
            row.done("created", row.made.id, 1)

    def match(self, session: Session, by: str, values: list[str]) -> Iterable[tuple[str, UUID]] | None:
        """By any e-mail address or number of a contact, however it is written."""
        if by not in _KINDS:
            return None
        spelled: dict[Point, list[str]] = {}
        for value in values:
            normal = identity.comparable(by, value)
            unit = (
                identity.siren_in(by, normal) if by == "vat_number" else None
            )  # a SIRET is one of several of its unit
            spelled.setdefault(("siren", unit) if unit else (by, normal), []).append(value)
        wanted = tuple_(ContactPoint.kind, ContactPoint.value).in_(spelled)
        held = session.execute(select(ContactPoint.kind, ContactPoint.value, ContactPoint.contact_id).where(wanted))
        return [(value, row.contact_id) for row in held for value in spelled[row.kind, row.value]]

    def hints(self, row: Row) -> Iterable[tuple[Point, dict[str, Any]]]:
        return [(point, _warning(point[0])) for point in sorted(row.made.points())] if row.made else ()

    def taken(self, index: str, table: str, values: list[str]) -> dict[str, Any]:
        if table == "contact_external_id":
            return {"pointer": f"/external_ids/{values[0]}", "code": "duplicate"}
        return {"pointer": "/id", "code": "duplicate"}

    def stage(self, row: Row) -> int:
        """Companies without a company above them, then those with one, in the order of the file, then people."""
        if not row.links:
            return 0
        return 1 if self.complete(row.body).get("kind") == "organization" else 2

    def names(self, row: Row) -> Iterable[tuple[str, str]]:
        return parents.names(row.body)

    def resolve(self, session: Session, rows: list[Row], of_file: Callable[[list[Point]], Named]) -> None:
        parents.link(session, rows, of_file)

    def remove(self, session: Session, versions: dict[UUID, int]) -> set[UUID]:
        """Unlike a deletion by hand this also takes customers and suppliers that no document names: they were never meant to
        exist.
        """
        versions = {id_: versions[id_] for id_ in versions.keys() - uses.among(session, versions)}
        parents = select(Contact.parent_id).where(Contact.parent_id.in_(versions), Contact.id.not_in(versions))
        same = [(id_, version) for id_, version in versions.items()]
        statement = select(Contact).where(tuple_(Contact.id, Contact.version).in_(same), Contact.id.not_in(parents))
        found = list(session.scalars(statement.with_for_update()))
        for contact in found:
            was, contact.status = contact.status, "erased"
            publish(session, contact.updated({"status": [was, contact.status]}))
            publish(session, contact.deleted())
            session.expunge(contact)
        gone = {contact.id for contact in found}
        session.execute(delete(Contact).where(Contact.id.in_(gone)))
        return gone


def _infer_types(addresses: Any) -> None:
    """Of addresses that do not say what they are for, one is for bills, unless another is, and the others for goods."""
    if not isinstance(addresses, list):
        return
    known = {address.get("type") for address in addresses if isinstance(address, dict)}
    for address in addresses:
        if isinstance(address, dict) and "type" not in address:
            address["type"] = "shipping" if "billing" in known else "billing"
            known.add(address["type"])


def _columns(contact: ImportedContact, at: str) -> dict[str, Any]:
    """A row of the table as the unit of work would write it."""
    values = contact.__dict__
    row = {name: values[name] for name in _COLUMNS if name in values}
    return row | {"id": str(contact.id), "version": 1, "created_at": at, "updated_at": at}


def _point_rows(points: dict[UUID, list[Point]]) -> list[dict[str, Any]]:
    found = []
    for id_, held in points.items():
        contact_id = str(id_)
        found += [{"kind": kind, "value": value, "contact_id": contact_id} for kind, value in held]
    return found


def _external_ids(rows: list[Row]) -> list[tuple[str, str, Row]]:
    return [(source, value, row) for row in rows for source, value in sorted(row.made.external_ids.items())]


def _external(source: str, value: str, row: Row) -> dict[str, Any]:
    return {"source": source, "external_id": value, "contact_id": row.made.id}


_KNOWN = text(
    "SELECT x.source, x.external_id FROM json_to_recordset(CAST(:ids AS json)) AS w (source text, value text)"
    " JOIN contact_external_id x ON x.source = w.source AND x.external_id = w.value"
)


def _refuse_known(session: Session, rows: list[Row]) -> None:
    """Ids and external ids that exist, or that come twice in the batch."""
    chosen = [row.made.id for row in rows if row.values and "id" in row.values]
    ids = set(session.scalars(select(Contact.id).where(Contact.id.in_(chosen)))) if chosen else set()
    wanted = [{"source": source, "value": value} for source, value, _ in _external_ids(rows)]
    held = {(source, value) for source, value in session.execute(_KNOWN, {"ids": dumps(wanted)})} if wanted else set()
    for row in rows:
        own = sorted(row.made.external_ids.items())
        if row.made.id in ids:
            row.errors.append({"pointer": "/id", "code": "duplicate"})
        row.errors += [{"pointer": f"/external_ids/{s}", "code": "duplicate"} for s, v in own if (s, v) in held]
        if not row.errors:
            ids.add(row.made.id)
            held.update(own)


def _refuse_orphans(session: Session, rows: list[Row]) -> None:
    """Parents that neither exist nor come in the same batch."""
    wanted = {row.made.parent_id for row in rows if row.made.parent_id}
    if not wanted:
        return
    known = set(session.scalars(select(Contact.id).where(Contact.id.in_(wanted))))
    known |= {row.made.id for row in rows if not row.errors}
    for row in rows:
        if row.made.parent_id == row.made.id:
            row.errors.append({"pointer": "/parent_id", "code": "cycle"})
        elif row.made.parent_id and row.made.parent_id not in known:
            row.errors.append({"pointer": "/parent_id", "code": "not_found"})


_HELD = text(
    "SELECT DISTINCT p.kind, p.value FROM json_to_recordset(CAST(:points AS json)) AS w (kind text, value text)"
    " JOIN contact_point p ON p.kind = w.kind AND p.value = w.value"
)


def _warn(session: Session, rows: list[Row], points: dict[UUID, list[Point]]) -> None:
    """Other contacts, in the table or earlier in the batch, that share an identifying value."""
    wanted = [{"kind": kind, "value": value} for held in points.values() for kind, value in held]
    if not wanted:
        return
    known = {(kind, value) for kind, value in session.execute(_HELD, {"points": dumps(wanted)})}
    for row in rows:
        shared = sorted({kind for kind, value in points[row.made.id] if (kind, value) in known})
        row.warnings += [_warning(kind) for kind in shared]
        known.update(points[row.made.id])


def _warning(kind: str) -> dict[str, Any]:
    return {"pointer": f"/{_PLACES.get(kind, kind)}", "code": "possible_duplicate"}


_PLACES = {"email": "emails/0/value", "phone": "phones/0/value"}
