"""One run of one job: batches that commit with their checkpoint, and the end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.jobs.bulk import Loader, write_events
from shared.jobs.handling import circumstances_of, told
from shared.jobs.models import Job
from shared.kernel.refusals import Refusal
from shared.messaging.cooperative import CooperativeYield
from shared.schema.collection import Collection
from shared.schema.contract import Operation
from shared.schema.envelope import dumps
from shared.storage import auditing, outbox, transaction
from shared.storage.present import timed

T = TypeVar("T")

LEASE_SECONDS = 15


class LeaseLost(Exception):
    """Another runner has the job, it was ended, or a commit succeeded whose answer was lost: look again where it stands."""


class Cancelled(Exception):
    """Somebody asked for the end."""


class Stopping(Exception):
    """The process ends; another one goes on."""


@dataclass(slots=True)
class Run:
    """What carries out a job: `job` is as it was when the run began and is kept up to date with what is committed."""

    service: object
    name: str
    engine: Engine
    handlers: dict[str, Handler]
    resource: Collection
    loaders: dict[str, Loader]
    job: Job
    runner: UUID
    ending: Callable[[], bool] = lambda: False
    give_way: CooperativeYield = field(default_factory=CooperativeYield)

    def handler(self, operation: Operation | None) -> Handler | None:
        """The handler of one of the resource's operations."""
        return self.handlers.get(operation.name) if operation else None

    @property
    def loader(self) -> Loader | None:
        return self.loaders.get(self.resource.create.name) if self.resource.create else None

    @property
    def action(self) -> str:
        """What audit rows of this job are called."""
        return f"{self.name}.{self.job.kind}_{self.resource.snake}"

    def commit(self, work: Callable[[Session], Any], done: int, checkpoint: dict[str, Any], total: int | None) -> None:
        """A batch and the note that it is done, in one transaction. Raises LeaseLost, and
        after the commit Cancelled or Stopping.

        `work(session)` returns what it adds to the counts of the result.
        """
        job, context = self.job, circumstances_of(self.job)

        def batch(session: Session) -> dict[str, Any]:
            auditing.begin(session)
            counts = work(session) or {}
            result = {**job.result}
            for name, number in counts.items():
                result[name] = result.get(name, 0) + number if isinstance(number, int) else number
            session.flush()
            write_events(session)
            values = {"done": done, "total": total, "checkpoint": dumps(checkpoint), "result": dumps(result)}
            found = session.execute(_CHECKPOINT, {**values, **self._mine(), "before": job.done}).first()
            if found is None:
                raise LeaseLost
            return {"result": result, "cancelled": found.cancelled, "version": found.version}

        action = self.action if job.kind != "export" else ""  # reading a page changes nothing
        after = transaction.run(self.engine, context, lambda s: _Outcome(job.id, batch(s)), action=action).told
        outbox.committed(self.engine, bulk=True)
        job.done, job.total, job.checkpoint, job.result = done, total, checkpoint, after["result"]
        if after["cancelled"]:
            raise Cancelled
        if self.ending():
            raise Stopping

    def succeed(self, result: dict[str, Any] | None = None) -> None:
        self._end("succeeded", result or self.job.result, None)

    def cancel(self) -> None:
        self._end("cancelled", self.job.result, None)

    def fail(self, refusal: Refusal) -> None:
        self._end("failed", self.job.result, told(refusal))

    def _end(self, status: str, result: dict[str, Any], failure: dict[str, Any] | None) -> None:
        values = {"status": status, "result": dumps(result), "failure": dumps(failure) if failure else None}
        with self.engine.begin() as connection:
            connection.execute(_END, {**values, **self._mine()})

    def _mine(self) -> dict[str, Any]:
        return {"id": self.job.id, "runner": self.runner, "lease": LEASE_SECONDS}


@dataclass(slots=True)
class _Outcome:
    """What the audit row of a batch is about, and what came of it."""

    id: UUID
    told: dict[str, Any]


_CHECKPOINT = timed(
    "UPDATE job SET done = :done, total = coalesce(:total, total), checkpoint = CAST(:checkpoint AS jsonb),"
    " result = CAST(:result AS jsonb), leased_until = now() + make_interval(secs => :lease), takeovers = 0,"
    " version = version + 1, updated_at = present()"
    " WHERE id = :id AND runner = :runner AND status = 'running' AND done = :before RETURNING cancelled, version"
)
_END = timed(
    "UPDATE job SET status = :status, result = CAST(:result AS jsonb), failure = CAST(:failure AS jsonb),"
    " runner = NULL, leased_until = NULL, finished_at = present(), version = version + 1, updated_at = present(),"
    " total = CASE WHEN :status = 'succeeded' THEN done ELSE total END"
    " WHERE id = :id AND runner = :runner AND status = 'running'"
)
