"""Carrying out an import: rows are read and checked beside the transaction, and written in batches with a checkpoint.

Creations go to the service's loader if it has one, set-wise; if the database refuses a batch as a whole, and for
changes, rows are taken one by one. A dry run does all of it and rolls the rows back.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby, islice
from typing import IO, Any
from uuid import UUID

import eventlet
import marshmallow as ma
from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from shared.api import existence, reaching
from shared.api.handlers import Handler
from shared.jobs import bulk, child, storage
from shared.jobs.bulk import Row
from shared.jobs.columns import check, header_of, wrong_length
from shared.jobs.handling import circumstances_of
from shared.jobs.matching import key_of, match, refuse_used, says, uuids
from shared.jobs.rehearsing import Rehearsal
from shared.jobs.row_references import ONE_BY_ONE_PASS, PASSES, RowReferences
from shared.jobs.run import Run
from shared.jobs.single import attempt, shown, told, version_of
from shared.kernel.error_messages import sentence
from shared.kernel.refusals import IdConflict, Invalid, Refusal
from shared.schema.derived.job_contract import CELL_SHOWN
from shared.storage import custom
from shared.storage.savepoint import savepoint
from shared.tables import reading
from shared.tables.building import Mapping
from shared.tables.limits import Cell, text_of
from shared.tables.limits import Row as TableRow
from shared.tables.paths import resolve
from shared.wire.explaining import explained
from shared.wire.loading import compiled

SET_WISE = 1000
ONE_BY_ONE = 50
MOST_ERRORS = 10_000
"""Row errors that are kept; the result counts them all."""

MOST_ERRORS_OF_A_ROW = 10
COUNTS = ("created", "updated", "skipped", "failed")


class _Unchanged(Exception):
    """Ends the savepoint of a change that changes nothing."""


def carry_out(run: Run) -> None:
    """From the checkpoint to the end of the file. Raises Refusal when the file as a whole cannot be taken."""
    job, file_facts = run.job, run.job.options["file"]
    assert job.upload_id is not None
    with storage.as_file(run.engine, job.upload_id, file_facts["sha256"], run.give_way) as file:
        for number in PASSES:
            if not _pass(run, file, number):
                break
    run.succeed({name: 0 for name in COUNTS} | run.job.result)


def _pass(run: Run, file: IO[bytes], number: int) -> bool:
    """Whether there are others: rows that name other rows wait for them."""
    with child.running(reading.batches, file) as reader:
        batches = iter(reader)
        total = next(batches)
        rows = (row for batch in batches for row in batch)
        importing = _Import(run, header_of(next(rows, (1, []))[1]), total, number)
        if number >= int(run.job.checkpoint.get("pass", 0)):
            importing.load(rows)
    return importing.row_references is not None


class _Import:
    """One import with its mapping compiled, in one pass over the file."""

    def __init__(self, run: Run, header: list[str], total: int | None, number: int) -> None:
        self.number = number
        self.run, self.total, self.options = run, total, run.job.options
        self.context = circumstances_of(run.job)
        create, patch = run.handler(run.resource.create), run.handler(run.resource.patch)
        assert create is not None and create.operation is not None and create.operation.request is not None
        self.create, self.patch, self.reader = create, patch, run.handler(run.resource.get)
        self.schema = create.operation.request
        asked = create.operation.imported or self.schema
        self.asked = asked().load_fields
        self.beyond = self.asked.keys() - self.schema().load_fields.keys()
        self.mapping = Mapping(
            asked, header, self.options["mapping"], self.options["defaults"], self.options.get("decimal_sign")
        )
        check(header, self.mapping)
        links = run.loader is not None and any(path.split(".")[0] in self.beyond for path in self.mapping.by_path)
        self.row_references = RowReferences(run.job.id, run.loader) if run.loader and links else None
        self.rehearsal = Rehearsal(run.job.id, create.creates, self.schema, run.loader)
        self.load_values = compiled(self.schema)
        by = self.options["match_on"]
        self.match_at = resolve(self.schema, by) if by else None
        self.set_wise = run.loader is not None
        self.changeable = (
            set(patch.operation.request().fields) if patch and patch.operation and patch.operation.request else set()
        )

    def load(self, rows: Iterator[TableRow]) -> None:
        """All rows behind the checkpoint, batch by batch."""
        at = self.run.job.checkpoint
        done, last = self.run.job.done, int(at.get("row", 0)) if int(at.get("pass", 0)) == self.number else 0
        waiting = (row for row in rows if row[0] > last)
        following = eventlet.spawn(self._batch, waiting)
        while batch := following.wait():
            following = eventlet.spawn(self._batch, waiting)  # read and checked while the database writes this one
            done += len(batch)
            total = max(self.total, done) if self.total is not None else None
            try:
                self.run.commit(partial(self._write, rows=batch), done, self._checkpoint(batch), total)
            except BaseException:
                following.kill()
                raise

    def _batch(self, waiting: Iterator[TableRow]) -> list[Row]:
        size = SET_WISE if self.set_wise else ONE_BY_ONE
        if self.row_references is None:
            return [self._read(*row) for row in islice(waiting, size)]
        own = (
            row
            for row in (self._read(*each) for each in waiting)
            if self.row_references.loader.stage(row) == self.number
        )
        return list(islice(own, 1 if self.number == ONE_BY_ONE_PASS else size))

    def _checkpoint(self, batch: list[Row]) -> dict[str, Any]:
        return {"row": batch[-1].number, **({"pass": self.number} if self.number else {})}

    # -- before the transaction -----------------------------------------------------------------------------------------

    def _read(self, number: int, cells: list[Cell]) -> Row:
        self.run.give_way()
        body, reading = self.mapping.read(cells)
        row = Row(number, self.run.loader.tidy(body) if self.run.loader else body, reading=reading)
        if wrong := wrong_length(cells, len(self.mapping.headers)):
            row.errors.append({"pointer": "", "code": wrong})
            return row
        row.errors += reading.errors
        self._take_links(row)
        if self.match_at is not None:
            row.key = key_of(row.body, self.match_at)
        else:
            self._prepare(row)
        return row

    def _take_links(self, row: Row) -> None:
        for name in self.beyond & row.body.keys():
            try:
                row.links[name] = self.asked[name].deserialize(row.body.pop(name))
            except ma.ValidationError as error:
                within = next(iter(error.normalized_messages()), "")
                row.errors.append({"pointer": f"/{name}/{within}", "code": "invalid"})

    def _prepare(self, row: Row) -> None:
        """Check a row that is to be created. What was said of its cells is not said again."""
        if self.run.loader:
            row.body = self.run.loader.complete(row.body)
        try:
            row.values = self.load_values(row.body)
            assert self.create.operation is not None
            reaching.check_request(self.create, self.create.operation, row.values, self.context)
            if self.run.loader:
                row.made = self.run.loader.prepare(row.values)
        except ma.ValidationError as error:
            told_of = {error["pointer"] for error in row.errors}
            row.errors += [e for e in self._explained(error) if e["pointer"] not in told_of]
        except Refusal as refusal:
            row.errors += told(refusal)

    def _explained(self, error: ma.ValidationError) -> list[dict[str, Any]]:
        assert self.create.operation is not None and self.create.operation.request is not None
        return Invalid(*explained(self.create.operation.request(), error)).explained()

    # -- in the transaction ---------------------------------------------------------------------------------------------

    def _write(self, session: Session, rows: list[Row]) -> dict[str, Any]:
        def fresh() -> list[Row]:
            return [_again(row) for row in rows]

        if self.options["dry_run"]:
            rows = self.rehearsal.carry_out(session, fresh, self._carry_out, self._change_again)
        else:
            rows = fresh()
            self._carry_out(session, rows)
        if self.row_references:
            self.row_references.note(session, rows)
        bulk.write_journal(session, self.run.job.id, rows)
        return self._account(session, rows)

    def _change_again(self, session: Session, row: Row) -> None:
        again = _again(row)
        again.existing = row.existing
        self._update(session, again)

    def _carry_out(self, session: Session, rows: list[Row]) -> None:
        if self.row_references:
            self.row_references.resolve(session, rows)
        if self.match_at is not None:
            self._match(session, rows)
        else:
            rows = self._create_again(session, rows)
        good = (row for row in rows if not row.errors)
        for is_new, group in groupby(
            good, key=lambda row: row.existing is None
        ):  # a row may need what one before gave up
            if is_new:
                self._create(list(group), session)
            else:
                self._update_all(session, group)

    def _update_all(self, session: Session, rows: Iterable[Row]) -> None:
        for row in rows:
            self._update(session, row)
            if row.unseen and row.effect == "skipped":
                row.effect, row.object_id = "updated", row.existing

    def _match(self, session: Session, rows: list[Row]) -> None:
        assert self.patch is not None and self.patch.aggregate_class is not None
        cls = self.patch.aggregate_class
        match(
            session, self.run.job.id, cls, self.run.loader, self.options["match_on"], [r for r in rows if not r.errors]
        )
        for row in rows:
            if row.existing is None and not row.errors and row.made is None:
                self._prepare(row)

    def _create(self, rows: list[Row], session: Session) -> None:
        loader = self.run.loader
        if loader is not None:
            refuse_used(session, self.create.creates, rows)
            self._check_existence(session, rows)
            self._check_custom(session, rows)
        rows = [row for row in rows if not row.errors]
        if loader is not None and rows:
            try:
                with savepoint(session):
                    loader.write(session, rows)
                    bulk.write_events(session)
                    made = [row.object_id for row in rows if row.object_id is not None]
                    cls = self.create.creates.__name__ if self.create.creates else ""
                    bulk.write_made(session, self.run.action, cls, made)
                return
            except (IntegrityError, DataError):
                rows = [_again(row, into=row) for row in rows if not row.errors]
        for row in rows:
            self._one(session, row, self.create, {"body": row.body}, "created")

    def _check_existence(self, session: Session, rows: list[Row]) -> None:
        operation = self.create.operation
        for row in rows:
            if operation and row.values is not None and not row.errors:
                row.errors += existence.errors(session, operation, row.values)

    def _create_again(self, session: Session, rows: list[Row]) -> list[Row]:
        """Rows whose id exists are skipped if they say the same, and refused otherwise. Returns the others."""
        cls, chosen = self.create.creates, uuids(str(row.body["id"]) for row in rows if "id" in row.body)
        if cls is None or not chosen:
            return rows
        known = {str(id_): id_ for id_ in session.scalars(select(cls.id).where(cls.id.in_(chosen)))}
        others = []
        for row in rows:
            if id_ := known.get(str(row.body.get("id")).lower()):
                self._compare(session, row, id_)
            else:
                others.append(row)
        return others

    def _compare(self, session: Session, row: Row, id_: UUID) -> None:
        """By changing it so, which is then undone. What exists may be as nobody could create it, and stays so."""
        wrong, row.errors, row.existing = row.errors, [], id_
        try:
            with savepoint(session):
                self._update(session, row)
                raise _Unchanged
        except _Unchanged:
            if row.effect != "skipped":
                row.errors = wrong or told(IdConflict(id=id_))
            row.existing, row.before, row.object_id, row.version = None, None, None, None

    def _check_custom(self, session: Session, rows: list[Row]) -> None:
        """As `Call` does for one request, with the definitions read once."""
        operation = self.create.operation
        if operation is None or not custom.declares(operation.request):
            return
        known = custom.definitions(session, custom.resource_of(operation))
        for row in rows:
            if row.values is not None and not row.errors:
                try:
                    row.values = custom.checked(session, operation, {"request": row.values}, known)["request"]
                except Refusal as refusal:
                    row.errors += told(refusal)

    def _update(self, session: Session, row: Row) -> None:
        assert row.existing is not None
        before = shown(session, self.reader, row.existing) if self.reader else None
        if before is None and self.reader is not None:
            row.errors.append({"pointer": "/" + self.options["match_on"].replace(".", "/"), "code": "not_found"})
            return
        fixed = {name: value for name, value in row.body.items() if name not in self.changeable and name != "id"}
        if wrong := [name for name in fixed if before is None or not says(before.get(name), fixed[name])]:
            row.errors += [{"pointer": f"/{name}", "code": "immutable"} for name in wrong]
            return
        body = {name: value for name, value in row.body.items() if name in self.changeable}
        if before is not None and all(says(before.get(name), value) for name, value in body.items()):
            row.effect = "skipped"
            return
        row.before = {name: before.get(name) for name in body} if before else None
        self._change(session, row, body, before.get("version") if before else None)

    def _change(self, session: Session, row: Row, body: dict[str, Any], version: int | None) -> None:
        """What makes no new version, because it says the same in other words, is published to nobody."""
        assert self.patch is not None
        try:
            with savepoint(session):
                self._one(session, row, self.patch, {"id": str(row.existing), "body": body}, "updated")
                if row.version is not None and row.version == version:
                    raise _Unchanged
        except _Unchanged:
            row.effect, row.before, row.object_id, row.version = "skipped", None, None, None

    def _one(self, session: Session, row: Row, handler: Handler, kwargs: dict[str, Any], effect: str) -> None:
        self.run.give_way()
        try:
            reply = attempt(self.run.service, session, handler, kwargs)
        except Refusal as refusal:
            row.errors += told(refusal)
            return
        row.effect = "skipped" if reply.replayed else effect
        row.object_id, row.version = UUID(reply.id) if reply.id else None, version_of(reply)

    # -- what is reported ---------------------------------------------------------------------------------------------------

    def _account(self, session: Session, rows: list[Row]) -> dict[str, Any]:
        counts = dict.fromkeys(COUNTS, 0)
        entries = []
        for row in rows:
            counts["failed" if row.errors else row.effect or "skipped"] += 1
            warnings = [*row.reading.warnings, *row.warnings]
            entries += [self._entry(row, e, "error") for e in row.errors[:MOST_ERRORS_OF_A_ROW]]
            entries += [self._entry(row, e, "warning") for e in warnings[:MOST_ERRORS_OF_A_ROW]]
        kept = max(0, MOST_ERRORS - int(self.run.job.result.get("errors_kept", 0)))
        bulk.write_errors(session, self.run.job.id, entries[:kept])
        return {
            **counts,
            "errors_kept": len(entries[:kept]),
            "errors_left_out": len(entries[kept:]),
            "ignored_columns": self.mapping.ignored[:100],
        }

    def _entry(self, row: Row, error: dict[str, Any], level: str) -> dict[str, Any]:
        code, pointer = str(error["code"]), str(error["pointer"])
        header, index = error.get("column") or self.mapping.place_of(pointer, row.reading.moved)
        return {
            "row_number": row.number,
            "header": header,
            "field": pointer.strip("/").replace("/", ".") or None,
            "code": code,
            "level": level,
            "text_en": error.get("en") or sentence(code, "en", error),
            "text_fr": error.get("fr") or sentence(code, "fr", error),
            "cell": _shown_cell(row, index),
        }


def _shown_cell(row: Row, index: int | None) -> str | None:
    """What stands in the cell, as far as the database can hold it."""
    if index is None or index >= len(row.reading.cells):
        return None
    return text_of(row.reading.cells[index]).replace("\0", "")[:CELL_SHOWN]


def _again(row: Row, into: Row | None = None) -> Row:
    """A row as it was before the transaction: a collision makes the same batch run twice."""
    fresh = into or Row(
        row.number,
        row.body,
        row.values,
        row.made,
        row.key,
        None,
        list(row.errors),
        reading=row.reading,
        links=row.links,
    )
    fresh.warnings, fresh.object_id, fresh.version, fresh.effect = [], None, None, ""
    return fresh
