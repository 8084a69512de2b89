"""Carrying out an undo: what the import made is deleted, what it changed is put back, the last row first.

Whatever was changed since, or is used by now, stays as it is and is reported with the reason.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.jobs import bulk
from shared.jobs.run import Run
from shared.jobs.single import attempt, shown, version_of
from shared.kernel.refusals import InUse, Invalid, NotFound, Refusal, StaleVersion
from shared.storage.savepoint import savepoint
from shared.wire import merging

SET_WISE = 1000
ONE_BY_ONE = 50
MOST_ERRORS = 10_000
COUNTS = ("deleted", "restored", "kept", "failed")

_ROWS = text(
    "SELECT row_number, object_id, effect, version, before FROM job_row WHERE job_id = :job_id"
    " AND object_id IS NOT NULL AND row_number < :below ORDER BY row_number DESC LIMIT :limit"
)
_COUNT = text("SELECT count(*) FROM job_row WHERE job_id = :job_id AND object_id IS NOT NULL")


class NotDeletable(Invalid):
    """The resource has no deletion."""

    code = "not_deletable"
    en = "This cannot be deleted."
    fr = "Cet élément ne peut pas être supprimé."


def carry_out(run: Run) -> None:
    """From the checkpoint to the first row of the import."""
    with run.engine.connect() as connection:
        total = connection.execute(_COUNT, {"job_id": run.job.undoes}).scalar_one()
    below, limit = int(run.job.checkpoint.get("row", 2**53)), SET_WISE if run.loader else ONE_BY_ONE
    while rows := _rows(run, below, limit):
        below = rows[-1].row_number
        run.commit(lambda s, r=rows: _Undo(run, s).put_back(r), run.job.done + len(rows), {"row": below}, total)  # type: ignore[misc]
    run.succeed({name: 0 for name in COUNTS} | run.job.result)


def _rows(run: Run, below: int, limit: int) -> list[Any]:
    with run.engine.connect() as connection:
        return list(connection.execute(_ROWS, {"job_id": run.job.undoes, "below": below, "limit": limit}))


class _Undo:
    """One batch in its transaction."""

    def __init__(self, run: Run, session: Session) -> None:
        self.run, self.session = run, session
        self.counts, self.errors = dict.fromkeys(COUNTS, 0), list[dict[str, Any]]()

    def put_back(self, rows: list[Any]) -> dict[str, int]:
        made = {row.object_id: row for row in rows if row.effect == "created"}
        gone = self._remove_all({id_: row.version for id_, row in made.items()})
        for row in rows:
            self.run.give_way()
            if row.object_id in gone:
                self.counts["deleted"] += 1
            elif row.effect == "created":
                self._attempt(row, self._delete, "deleted")
            else:
                self._attempt(row, self._restore, "restored")
        kept = max(0, MOST_ERRORS - int(self.run.job.result.get("errors_kept", 0)))
        bulk.write_errors(self.session, self.run.job.id, self.errors[:kept])
        return {**self.counts, "errors_kept": len(self.errors[:kept]), "errors_left_out": len(self.errors[kept:])}

    def _remove_all(self, versions: dict[UUID, int]) -> set[UUID]:
        if self.run.loader is None or not versions:
            return set()
        gone = self.run.loader.remove(self.session, versions) or set()
        bulk.write_events(self.session)
        return gone

    def _attempt(self, row: Any, step: Any, effect: str) -> None:
        try:
            step(row)
            self.counts[effect] += 1
        except NotFound:
            self._tell(row, "kept", "already_gone", None)
        except StaleVersion:
            self._tell(row, "kept", "changed_since", None)
        except InUse as refusal:
            self._tell(row, "kept", refusal.code, refusal)
        except Refusal as refusal:
            self._tell(row, "failed", refusal.code, refusal)

    def _tell(self, row: Any, count: str, code: str, refusal: Refusal | None) -> None:
        self.counts[count] += 1
        texts = {"text_en": refusal.text("en"), "text_fr": refusal.text("fr")} if refusal else {}
        entry = {"row_number": row.row_number, "header": None, "field": None, "code": code, "level": "error"}
        self.errors.append({**entry, "text_en": None, "text_fr": None, **texts})

    def _delete(self, row: Any) -> None:
        handler = self.run.handler(self.run.resource.delete)
        if handler is None:
            raise NotDeletable
        attempt(self.run.service, self.session, handler, {"id": str(row.object_id)}, row.version)

    def _restore(self, row: Any) -> None:
        """Put the former values back; what only goes forward is set to null first, as its refusal says."""
        with savepoint(self.session):
            try:
                self._patch(row, merging.patch_to(row.before, self._now(row) or {}), row.version)
            except Invalid as refusal:
                names = {str(e["pointer"]).split("/")[1] for e in refusal.errors if str(e["pointer"]).startswith("/")}
                if not names:
                    raise
                between = self._patch(row, dict.fromkeys(names), row.version)
                self._patch(row, row.before, between)
            now = self._now(row)
            if now is not None and any(now.get(name) != value for name, value in row.before.items()):
                raise Invalid

    def _now(self, row: Any) -> dict[str, Any] | None:
        """The resource as it is shown now."""
        reader = self.run.handler(self.run.resource.get)
        return shown(self.session, reader, row.object_id) if reader else None

    def _patch(self, row: Any, body: dict[str, Any], version: int) -> int:
        handler = self.run.handler(self.run.resource.patch)
        assert handler is not None
        reply = attempt(self.run.service, self.session, handler, {"id": str(row.object_id), "body": body}, version)
        return version_of(reply)
