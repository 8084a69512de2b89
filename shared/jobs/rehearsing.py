"""Dry runs: each batch is carried out and rolled back, and what it would have taken is noted for the batches after it.

What must be unique follows from the unique indexes of the database, so a dry run knows of each one. A change that gave
such a value up is made again before a batch that names the value, within what is rolled back; which changes these are
is remembered by the process. Levels of stock are those of before the file.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from shared.jobs.bulk import Loader, Row
from shared.kernel import texts
from shared.storage.database import Aggregate
from shared.storage.rows import dumps
from shared.storage.savepoint import savepoint
from shared.wire.fields import Schema

MOST_TRIES = 5
"""How often a batch is tried: without a row that is refused, another one may be taken."""

_WITH_COMPANY = {"company_id"}


class _Rehearsed(Exception):
    """Ends the savepoint of a rehearsal."""


@dataclass(frozen=True, slots=True)
class Index:
    """A unique index of the table of a resource, or of one beside it whose column `owner` refers to it."""

    name: str
    table: str
    owner: str
    columns: tuple[str, ...]
    condition: str
    beside: bool

    @property
    def by_id(self) -> bool:
        return not self.beside and self.columns == ("id",)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a row takes. `said` is what is said of a row that comes after it and wants the same."""

    row: Row
    key: UUID
    said: dict[str, Any]
    refused: bool
    shared: bool = False
    values: tuple[str, ...] = ()

    def meets(self, holder: UUID) -> bool:
        """Whether it is in the way of what holds it: not of itself, but for an id, which is made once."""
        return self.shared or holder != self.row.object_id


class Rehearsal:
    """The dry run of one file."""

    def __init__(self, job_id: UUID, cls: type[Aggregate] | None, schema: type[Schema], loader: Loader | None) -> None:
        self.job_id, self._cls, self._loader = job_id, cls, loader or Loader()
        self._asked = {*schema().load_fields, *_WITH_COMPANY}
        self._indexes: list[Index] | None = None
        self._givers: dict[str, dict[int, Row]] = {}

    def carry_out(
        self,
        session: Session,
        fresh: Callable[[], list[Row]],
        work: Callable[[Session, list[Row]], None],
        change: Callable[[Session, Row], None],
    ) -> list[Row]:
        """The rows of a batch as they came out of it."""
        wrong: dict[int, list[dict[str, Any]]] = {}
        for _ in range(MOST_TRIES):
            rows = fresh()
            for row in rows:
                row.errors += wrong.get(row.number, [])
            with _rolled_back(session):
                for giver in self._concerned(rows):
                    change(session, giver)
                work(session, rows)
                claims = self._claims(session, rows)
            met = self._met(session, claims)
            refused = [claim for claim in met if claim.refused]
            for claim in refused:
                wrong.setdefault(claim.row.number, []).append(claim.said)
            if not refused:
                break
        for claim in met:
            _tell(claim)
        taken = [claim for claim in claims if not claim.row.errors]
        self._note(session, taken)
        self._note_givers(session, taken)
        return rows

    def _concerned(self, rows: list[Row]) -> list[Row]:
        """The earlier changes that gave up or took what these rows name, in the order of the file."""
        named = {text for row in rows for text in _texts(row.body)} if self._givers else set()
        found = {number: row for text in named for number, row in self._givers.get(text, {}).items()}
        return [found[number] for number in sorted(found)]

    def _note_givers(self, session: Session, claims: list[Claim]) -> None:
        """What is still there, now that the batch is rolled back, but is not among the claims was given up."""
        changed = {claim.row.object_id: claim.row for claim in claims if claim.row.effect == "updated"}
        held = {(claim.row.object_id, claim.key) for claim in claims}
        for index in self._indexes or () if changed else ():
            for owner, values in session.execute(_values_of(index), {"ids": [str(id_) for id_ in changed]}):
                if None not in values and (owner, key_of(index.name, *values)) not in held:
                    now = (value for claim in claims if claim.row.object_id == owner for value in claim.values)
                    for value in (*values, *now):
                        self._givers.setdefault(value, {})[changed[owner].number] = changed[owner]

    def _claims(self, session: Session, rows: list[Row]) -> list[Claim]:
        made = {row.object_id: row for row in rows if not row.errors and row.effect in ("created", "updated")}
        if self._indexes is None:
            self._indexes = list(_unique(session, self._cls, self._asked)) if self._cls else []
        found = [claim for index in self._indexes for claim in self._of_index(session, index, made)]
        for row in made.values():
            if row.effect == "created":
                found += [Claim(row, key_of("hint", *point), said, False) for point, said in self._loader.hints(row)]
        return found

    def _of_index(self, session: Session, index: Index, made: dict[UUID | None, Row]) -> Iterable[Claim]:
        wanted = [str(id_) for id_, row in made.items() if not index.by_id or "id" in row.body]
        for owner, values in session.execute(_values_of(index), {"ids": wanted}) if wanted else ():
            if None not in values:
                row = made[owner]
                said = self._loader.taken(index.name, index.table, values)
                yield Claim(row, key_of(index.name, *values), said, True, index.by_id, tuple(values))

    def _met(self, session: Session, claims: list[Claim]) -> list[Claim]:
        """The claims that an earlier batch has made."""
        held = holders(session, self.job_id, [claim.key for claim in claims])
        return [claim for claim in claims if any(map(claim.meets, held.get(claim.key, ())))]

    def _note(self, session: Session, claims: list[Claim]) -> None:
        note(session, self.job_id, [(claim.key, claim.row.object_id) for claim in claims])


def note(session: Session, job_id: UUID, held: Iterable[tuple[UUID, UUID | None]]) -> None:
    """Keep what rows hold until the job ends."""
    rows = [{"job_id": job_id, "key": key, "object_id": object_id} for key, object_id in held]
    if rows:
        session.connection().exec_driver_sql(_NOTE, (dumps(rows),))


def holders(session: Session, job_id: UUID, keys: list[UUID]) -> dict[UUID, set[UUID]]:
    """What earlier batches hold."""
    held: dict[UUID, set[UUID]] = {}
    wanted = {"job_id": job_id, "keys": [str(key) for key in keys]}
    for key, holder in session.execute(_HELD, wanted) if keys else ():
        held.setdefault(key, set()).add(holder)
    return held


@contextmanager
def _rolled_back(session: Session) -> Any:
    try:
        with savepoint(session):
            yield
            raise _Rehearsed
    except _Rehearsed:
        session.expire_all()


def _tell(claim: Claim) -> None:
    told = claim.row.errors if claim.refused else claim.row.warnings
    if claim.said not in told:
        told.append(claim.said)


def _texts(value: Any) -> Iterable[str]:
    """Every text of a body, in the form in which texts are stored."""
    if isinstance(value, str):
        yield texts.tidy(value)
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(part)


def key_of(*parts: str) -> UUID:
    """Of a fixed length, and it tells nobody what it was made of."""
    return UUID(bytes=sha256(json.dumps(parts).encode()).digest()[:16])


def _unique(session: Session, cls: type[Aggregate], asked: set[str]) -> Iterable[Index]:
    """The indexes that a request can run into; numbers that the service gives are its own concern."""
    for row in session.execute(_INDEXES, {"table": inspect(cls).local_table.name}):
        columns = tuple(row.columns)
        if row.owner not in columns if row.beside else asked.issuperset(columns):
            yield Index(row.name, row.table, row.owner, columns, row.condition or "true", row.beside)


def _values_of(index: Index) -> Any:
    columns = ", ".join(f"{column}::text" for column in index.columns)
    return text(
        f"SELECT {index.owner}, json_build_array({columns}) FROM {index.table}"
        f" WHERE {index.owner} = ANY(CAST(:ids AS uuid[])) AND ({index.condition})"
    )


_INDEXES = text("""
    WITH tables AS (
        SELECT CAST(:table AS regclass) AS id, 'id' AS owner, false AS beside
        UNION
        SELECT c.conrelid, a.attname, true FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND c.confrelid = CAST(:table AS regclass) AND c.conrelid <> c.confrelid
            AND cardinality(c.conkey) = 1
    )
    SELECT i.indexrelid::regclass::text AS name, t.id::regclass::text AS table, quote_ident(t.owner) AS owner, t.beside,
        ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) ORDER BY a.attnum) AS columns,
        pg_get_expr(i.indpred, i.indrelid) AS condition
    FROM tables t JOIN pg_index i ON i.indrelid = t.id
    WHERE i.indisunique AND i.indexprs IS NULL ORDER BY 1
""")
_HELD = text(
    "SELECT DISTINCT key, object_id FROM job_claim WHERE job_id = :job_id AND key = ANY(CAST(:keys AS uuid[]))"
)
_NOTE = "INSERT INTO job_claim SELECT * FROM json_populate_recordset(NULL::job_claim, %s::json)"
