"""Finds jobs that wait, or whose runner died, and carries them out: one at a time per process, each in one process."""

import logging
import time
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import eventlet
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.jobs import exports, imports, undoing
from shared.jobs.models import Job
from shared.jobs.run import LEASE_SECONDS, Cancelled, LeaseLost, Run, Stopping
from shared.kernel.refusals import Refusal
from shared.schema.collection import Collection, collections_of
from shared.storage import transaction
from shared.storage.present import timed

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
MOST_TAKEOVERS = 1
"""How often a job is taken again whose runner ended without a batch; then the job itself is what ends processes."""

MOST_DEFECTS = 5
"""Runs in a row that met a defect."""

_TAKE = timed(
    "UPDATE job SET status = 'running', runner = :runner, leased_until = now() + make_interval(secs => :lease),"
    " takeovers = takeovers + CASE WHEN runner <> :runner THEN 1 ELSE 0 END,"
    " started_at = coalesce(started_at, present()), version = version + 1, updated_at = present()"
    " WHERE id = (SELECT id FROM job WHERE status IN ('queued', 'running')"
    " AND (leased_until IS NULL OR leased_until < now() OR runner = :runner)"
    # Users take turns: next is the one whose last job began the longest ago.
    " ORDER BY (SELECT max(j.started_at) FROM job j WHERE j.actor = job.actor) NULLS FIRST, id"
    " LIMIT 1 FOR UPDATE SKIP LOCKED)"
    " RETURNING id, takeovers"
)
_GIVE_BACK = text("UPDATE job SET leased_until = NULL, runner = NULL, takeovers = 0 WHERE runner = :me")
_RENEW = text("UPDATE job SET leased_until = now() + make_interval(secs => :lease) WHERE id = :id AND runner = :runner")
_CARRIERS = {"import": imports.carry_out, "export": exports.carry_out, "undo": undoing.carry_out}


class JobCrashed(Refusal):
    """Its process ended, and the process that took it over ended as well."""

    family = "internal"
    code = "job_ended_its_process"
    en = "Twice the process ended that carried this out; it is not tried again."
    fr = "Le processus chargé de cette tâche s'est arrêté deux fois ; elle n'est plus tentée."


class JobDefective(Refusal):
    """It met a defect again and again."""

    family = "internal"
    code = "internal_error"
    en = "Something went wrong here; the log has the cause under the id of the job."
    fr = "Une erreur est survenue de notre côté ; le journal en donne la cause sous l'identifiant de la tâche."


class Runner:
    """The jobs of one service in this process."""

    def __init__(self, service: object, name: str, engine: Engine, handlers: dict[str, Handler]) -> None:
        self.service, self.name, self.engine, self.handlers = service, name, engine, handlers
        self.runner = uuid4()
        self.resources = _resources(handlers)
        self.loaders = {loader.creates.name: loader for loader in getattr(service, "loaders", ())}
        self._ending = False
        self._thread: Any = None
        self._defects = dict[UUID, int]()

    def start(self) -> None:
        self._thread = eventlet.spawn(self._loop)

    def stop(self, until: float) -> None:
        """End between two batches; the next run goes on from there."""
        self._ending = True
        if self._thread is not None:
            with eventlet.Timeout(max(0.1, until - time.monotonic()), False):
                self._thread.wait()
            self._thread.kill()
        self._give_back()

    def _loop(self) -> None:
        pause = POLL_SECONDS
        while not self._ending:
            try:
                if not self.run_one():
                    time.sleep(POLL_SECONDS)
                pause = POLL_SECONDS
            except Exception as error:
                log.warning("jobs interrupted", extra={"service_name": self.name, "error_code": type(error).__name__})
                time.sleep(pause)
                pause = min(pause * 2, 5.0)

    def run_one(self) -> bool:
        """Take the next job that nobody holds and carry it out; False when there is none."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            taken = connection.execute(_TAKE, {"runner": self.runner, "lease": LEASE_SECONDS}).first()
        if taken is None:
            return False
        run = self._run_of(taken.id)
        beat = eventlet.spawn(self._renew, run.job.id)
        try:
            self._carry_out(run, taken.takeovers)
        finally:
            beat.kill()
        return True

    def _run_of(self, job_id: UUID) -> Run:
        with Session(self.engine, expire_on_commit=False) as session:
            job = session.scalars(select(Job).where(Job.id == job_id)).one()
        resource = self.resources[job.resource]
        return Run(
            service=self.service,
            name=self.name,
            engine=self.engine,
            handlers=self.handlers,
            resource=resource,
            loaders=self.loaders,
            job=job,
            runner=self.runner,
            ending=lambda: self._ending,
        )

    def _carry_out(self, run: Run, takeovers: int) -> None:
        facts = {"job": str(run.job.id), "kind": run.job.kind, "resource": run.job.resource}
        try:
            if run.job.cancelled:
                raise Cancelled
            if takeovers > MOST_TAKEOVERS:
                raise JobCrashed
            if self._defects.get(run.job.id, 0) >= MOST_DEFECTS:
                raise JobDefective
            _CARRIERS[run.job.kind](run)
        except Cancelled:
            run.cancel()
        except LeaseLost:
            log.warning("job taken over", extra=facts)
        except Stopping:
            self._give_back()
        except Refusal as refusal:
            run.fail(refusal)
        except Exception as error:
            if transaction.may_pass(error, 1):
                raise
            log.exception("job failed", extra=facts)
            self._defects[run.job.id] = self._defects.get(run.job.id, 0) + 1
            time.sleep(POLL_SECONDS)
        log.info("job left", extra=facts | {"done": run.job.done})

    def _give_back(self) -> None:
        """So that its next runner neither waits for the lease nor takes this end for a crash.

        Without the database the lease runs out by itself.
        """
        with suppress(DBAPIError), self.engine.begin() as connection:
            connection.execute(_GIVE_BACK, {"me": self.runner})

    def _renew(self, job_id: UUID) -> None:
        while True:
            eventlet.sleep(LEASE_SECONDS / 3)
            try:
                with self.engine.begin() as connection:
                    connection.execute(_RENEW, {"id": job_id, "runner": self.runner, "lease": LEASE_SECONDS})
            except Exception as error:
                log.warning("lease not renewed", extra={"job": str(job_id), "error_code": type(error).__name__})


def _resources(handlers: dict[str, Handler]) -> dict[str, Collection]:
    """The service's resources by name."""
    return {r.name: r for r in collections_of([h.operation for h in handlers.values() if h.operation])}
