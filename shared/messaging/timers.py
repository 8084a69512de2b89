"""`@every`: once per period across all replicas. The run and the note that it took place are one transaction."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import eventlet
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.kernel import clock, ids, metrics
from shared.kernel.context import Context
from shared.kernel.settings import LIMITS
from shared.storage import transaction
from shared.storage.present import timed

log = logging.getLogger(__name__)

_TAKE = timed(
    "INSERT INTO timer AS t (name, last_run) VALUES (:name, present()) ON CONFLICT (name) DO UPDATE SET last_run = present()"
    " WHERE t.last_run <= present() - make_interval(secs => :period) RETURNING 1"
)
_GAUGES = text(
    "SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE state = 'new' LIMIT 10000) AS o) AS pending,"
    " (SELECT extract(epoch FROM now() - created_at) FROM outbox WHERE state = 'new' ORDER BY id LIMIT 1) AS oldest,"
    " (SELECT count(*) FROM inbox WHERE state = 'parked') AS parked,"
    " (SELECT count(*) FROM inbox WHERE state = 'retry') AS retrying"
)


_LOOK_AT_THE_CLOCK, _LOOK_SELDOM = 0.2, 1.0
"""Seconds after which a timer that sleeps looks whether the clock has moved; seldom where no other process moves it."""


class Timers:
    """The timers of one service, its own and those of the machinery."""

    def __init__(
        self,
        service: object,
        name: str,
        engine: Engine,
        handlers: dict[str, Handler],
        *sweeps: Callable[[Session], None],
    ) -> None:
        """`sweeps` are what others of the machinery forget from time to time."""
        self.service, self.name, self.engine, self._sweeps = service, name, engine, sweeps
        housekeeping = Handler("timer", "housekeeping", self._housekeeping, period=3600)
        self.handlers = {**handlers, housekeeping.name: housekeeping}
        self._threads: list[Any] = []
        self._ending = threading.Event()

    def start(self) -> None:
        self._threads = [eventlet.spawn(self._run, handler) for handler in self.handlers.values()]
        self._threads.append(eventlet.spawn(self._measure))

    def stop(self, until: float) -> None:
        """No new run begins; one that is under way may finish until the deadline."""
        self._ending.set()
        for thread in self._threads:
            with eventlet.Timeout(max(0.1, until - time.monotonic()), False):
                thread.wait()

    def _run(self, handler: Handler) -> None:
        while self._sleep(min(30.0, max(0.2, handler.period / 4)) * random.uniform(0.8, 1.2)):
            try:
                transaction.run(self.engine, _context(self.name, handler), lambda s: self._tick(s, handler))
            except Exception:
                log.exception("timer failed", extra={"timer": handler.name})

    def _tick(self, session: Session, handler: Handler) -> None:
        if session.execute(_TAKE, {"name": handler.name, "period": handler.period}).first():
            handler.function(self.service, session)

    def _housekeeping(self, _: object, session: Session) -> None:
        """Forget what has served its time, in bounded portions, and prepare next month's outbox partition."""
        session.execute(text("SELECT keep_outbox_partitions(2, :months)"), {"months": LIMITS.outbox_months})
        session.execute(
            timed(
                "DELETE FROM idempotency WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency WHERE NOT permanent"
                " AND created_at < present() - make_interval(days => :days) LIMIT 20000))"
            ),
            {"days": LIMITS.idempotency_days},
        )
        session.execute(
            text(
                "DELETE FROM inbox WHERE ctid = ANY(ARRAY(SELECT ctid FROM inbox WHERE state IN ('done', 'discarded')"
                " AND received_at < now() - make_interval(days => :days) LIMIT 20000))"
            ),
            {"days": LIMITS.inbox_days},
        )
        for sweep in self._sweeps:
            sweep(session)

    def _measure(self) -> None:
        while self._sleep(5):
            try:
                with self.engine.connect() as connection:
                    row = connection.execute(_GAUGES).one()
            except Exception as error:
                log.warning("gauges not read", extra={"service_name": self.name, "error_code": type(error).__name__})
                continue
            metrics.outbox_pending.labels(self.name).set(row.pending)
            metrics.outbox_oldest.labels(self.name).set(float(row.oldest or 0))
            metrics.parked_open.labels(self.name).set(row.parked)
            metrics.retry_open.labels(self.name).set(row.retrying)

    def _sleep(self, seconds: float) -> bool:
        """No longer than until the clock moves, where it can; False when it is time to end, which ends the sleep too."""
        until, ahead = time.monotonic() + seconds, clock.ahead()
        step = _LOOK_AT_THE_CLOCK if clock.can_move() else _LOOK_SELDOM
        while (left := until - time.monotonic()) > 0 and clock.ahead() == ahead:
            if self._ending.wait(min(step, left)):
                return False
        return not self._ending.is_set()


def _context(service: str, handler: Handler) -> Context:
    run = f"timer:{service}.{handler.name}:{ids.new_id()}"
    return Context(actor="system", request_id=run, correlation_id=run, causation_id=run)
