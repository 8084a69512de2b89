"""Loading many of one resource: what a service says of its rows, and the machinery's part of a batch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.kernel import clock
from shared.kernel.context import current
from shared.kernel.ids import new_id
from shared.schema.contract import Operation
from shared.storage import outbox
from shared.storage.auditing import WHOLE
from shared.storage.rows import dumps
from shared.storage.violations import Duplicate
from shared.tables.building import Reading

Named = dict[tuple[str, str], set[UUID]]
"""Who is named so: (what, value) → ids."""


@dataclass(slots=True)
class Row:
    """A row of a file on its way. `body` is a request as a client would send it, `values` is what its schema made of it.

    `errors` and `warnings` are [{pointer, code}] or, for refusals, [{pointer, code, en, fr}]; `reading` says what was
    found in its cells, `links` by what the row names others, and `unseen` that such a one was rolled back with its dry run.
    """

    number: int
    body: dict[str, Any]
    values: dict[str, Any] | None = None
    made: Any = None
    key: str | None = None
    existing: UUID | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    object_id: UUID | None = None
    version: int | None = None
    effect: str = ""
    before: dict[str, Any] | None = None
    links: dict[str, Any] = field(default_factory=dict)
    unseen: bool = False
    reading: Reading = field(default_factory=lambda: Reading(()))

    def done(self, effect: str, object_id: UUID, version: int) -> None:
        self.effect, self.object_id, self.version = effect, object_id, version


class Loader:
    """How a service loads many of one resource. Each method has a default; what it refuses is an error of that row.

    A service names its loaders in the class attribute `loaders`. It obeys the same rules as the handler of `creates`.
    """

    creates: ClassVar[Operation]

    def tidy(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body without what an export writes and a request must not say."""
        return body

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of what is to be created, with what can be inferred from the rest of it."""
        return body

    def prepare(self, values: dict[str, Any]) -> Any:
        """What is to be written, from validated values, without looking at the database. Raises Invalid."""
        return values

    def write(self, session: Session, rows: list[Row]) -> None:
        """Create everything in `row.made`, publish the events, and call `row.done`, or add to `row.errors`."""
        raise TypeError

    def match(self, session: Session, by: str, values: list[str]) -> Iterable[tuple[str, UUID]] | None:
        """(value, id) of what exists, or None to let it be found by its column."""
        return None

    def hints(self, row: Row) -> Iterable[tuple[tuple[str, str], dict[str, Any]]]:
        """What others may have as well, but are to be warned of: (what, value) and the warning."""
        return ()

    def taken(self, index: str, table: str, values: list[str]) -> dict[str, Any]:
        """What `write`, or else the database, says of a row that wants what a unique index has already."""
        refusal = Duplicate(constraint=index)
        return {"pointer": "", "code": refusal.code, "en": refusal.text("en"), "fr": refusal.text("fr")}

    def stage(self, row: Row) -> int:
        """In which pass over a file that links its rows this one is carried out: 0, 1 (one by one) or 2."""
        return 0

    def names(self, row: Row) -> Iterable[tuple[str, str]]:
        """By what rows of later passes may name this one."""
        return ()

    def resolve(self, session: Session, rows: list[Row], of_file: Callable[[list[tuple[str, str]]], Named]) -> None:
        """Put ids in place of `row.links`. `of_file` tells which earlier rows of the file have these names."""

    def remove(self, session: Session, versions: dict[UUID, int]) -> set[UUID] | None:
        """Delete those that still have this version, and publish it; the ids that are gone. None: one by one."""
        return None


def write_events(session: Session) -> None:
    """Write what was published so far, in one statement. These events wait while there are others to send."""
    if pending := outbox.take(session):
        part, parameters = outbox.statement_part(pending, bulk=True)
        session.connection().exec_driver_sql(f"WITH {part} SELECT 1", tuple(parameters))
        pending.clear()


_MADE = """
    INSERT INTO audit (id, at, actor, api_key_id, action, object_id, request_id, changes)
    SELECT id, %s, %s, %s::uuid, %s, object_id, %s,
        jsonb_build_object(%s || '/' || object_id, jsonb_build_object(%s::text, '[null, "created"]'::jsonb))
    FROM json_to_recordset(%s::json) AS made (id uuid, object_id uuid)
"""


def write_made(session: Session, action: str, cls: str, made: Iterable[UUID]) -> None:
    """The audit rows of many objects that an action made."""
    context = current(session)
    rows = [{"id": str(new_id()), "object_id": str(object_id)} for object_id in made]
    who = (clock.now(), context.actor, str(context.api_key) if context.api_key else None)
    same = (*who, action, context.request_id, cls, WHOLE, dumps(rows))
    session.connection().exec_driver_sql(_MADE, same)


_JOB_ROWS = """
    INSERT INTO job_row (job_id, row_number, match_key, object_id, effect, version, before)
    SELECT %s::uuid, row_number, match_key, object_id, effect, version, before FROM json_populate_recordset(
        NULL::job_row, %s::json)
"""


def write_journal(session: Session, job_id: UUID, rows: list[Row]) -> None:
    """What became of which row: needed to find repeated keys, and to undo."""
    records = [
        {
            "row_number": row.number,
            "match_key": row.key,
            "object_id": row.object_id,
            "effect": row.effect or None,
            "version": row.version,
            "before": row.before,
        }
        for row in rows
        if row.key is not None or row.effect in ("created", "updated")
    ]
    if records:
        session.connection().exec_driver_sql(_JOB_ROWS, (str(job_id), dumps(records)))


_JOB_ERRORS = """
    INSERT INTO job_error (job_id, row_number, header, field, code, level, text_en, text_fr, cell)
    SELECT %s::uuid, row_number, header, field, code, level, text_en, text_fr, cell FROM json_populate_recordset(
        NULL::job_error, %s::json)
"""


def write_errors(session: Session, job_id: UUID, records: list[dict[str, Any]]) -> None:
    """Row errors: [{row_number, header, field, code, level, text_en, text_fr, cell}]."""
    if records:
        session.connection().exec_driver_sql(_JOB_ERRORS, (str(job_id), dumps(records)))


KEYS_SEEN = text("SELECT match_key FROM job_row WHERE job_id = :job_id AND match_key = ANY(:keys)")
