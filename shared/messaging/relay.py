"""The relay: sends outbox rows in order, with pipelined publisher confirms, and marks what the broker has taken.

It waits for no confirm before it looks for more: what it has sent is left out of what it reads, and is marked by the
statement that reads next. So an event does not wait for the confirm and the mark of the one before it.

One relay per service is active, whatever the number of replicas: it holds an advisory lock on the very database
session that marks the rows, so that losing the session is losing the office.

What jobs wrote (`bulk`) waits while there is anything else, and goes out in slices. No event overtakes an earlier one of
its aggregate all the same. Events of one aggregate commit in the order of their ids, for they are numbered under a row
lock. So a reader that sees one sees all earlier ones:
- Bulk rows are read by the statement that reads the others, behind them. If it reaches any, it has read all others that
  were there, among them all that are earlier than a bulk row of its own; the slice is sent after those.
- Bulk rows that are earlier than another row of their aggregate are looked up (`_EARLIER`), wherever they stand in their
  lane, and are sent before it. A later statement may read them: they were there before that row was.
"""

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import amqp
import eventlet
from eventlet.hubs import trampoline
from sqlalchemy import Engine

from shared.kernel import clock, faults
from shared.kernel.settings import LIMITS
from shared.messaging.publishing import Publisher
from shared.schema.envelope import CONTENT_TYPE
from shared.storage import outbox, prepared
from shared.storage.connecting import options, single

log = logging.getLogger(__name__)

_LOCK = 4218
# The statements name a span of time, so that PostgreSQL plans for one partition of the outbox instead of for all.
_SELECT = "SELECT id, event_id::text, type, routing_key, envelope, created_at, bulk, aggregate_id::text FROM outbox"
_WAITING = f"{_SELECT} WHERE state = 'new' AND created_at >= %s AND id <> ALL(%s) ORDER BY bulk, id LIMIT %s"
# Its first words are those of its own index: of two that it might use, PostgreSQL knows too little to choose.
_EARLIER = (
    f"{_SELECT} WHERE state <> 'published' AND bulk AND aggregate_id = ANY(%s::uuid[])"
    " AND created_at >= %s AND state || '' = 'new'"
)
# Statistics never know how many rows wait, and PostgreSQL would sort all of them for each slice: read them in order.
# A mark that a crash of PostgreSQL takes back is no loss: the event goes out twice, and consumers know it by its id.
# So nobody waits until marks are on the disk.
_SETTINGS = options(enable_sort="off", statement_timeout="60s", synchronous_commit="off")
_MARK = (
    "UPDATE outbox SET state = %s, published_at = statement_timestamp()"
    " WHERE id = ANY(%s) AND state = 'new' AND created_at BETWEEN %s AND %s"
)
_MARK_AND_READ = f"WITH marked AS ({_MARK}) {_WAITING}"
_SLICE = 200
"""Rows sent at once while bulk rows wait: what somebody waits for is not behind more than these."""
_LOADING = 3.0
"""Seconds after a batch of a job in which the relay rests between slices, so that the job is done sooner: who started it
waits for that, while the last of its events arrives no later for it."""
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_LATELY = timedelta(days=1)
_SWEEP_SECONDS = 60.0
_MARKED_WITHIN = 0.05
"""Seconds after which what was sent is marked although there is nothing else to do."""


class _Row(NamedTuple):
    """A row of the outbox; `bulk` says that a job wrote it."""

    id: int
    event_id: str
    type: str
    routing_key: str
    envelope: str
    created_at: datetime
    bulk: bool
    aggregate_id: str


class Relay:
    """Publishes the outbox of one service."""

    def __init__(self, service: str, engine: Engine, uri: str, user: str | None) -> None:
        self.service, self.engine, self.uri, self.user = service, engine, uri, user
        self.wake = outbox.Wake()
        self._ending = False
        self._thread: Any = None
        self._publisher = Publisher(service, uri)
        self._swept = float("-inf")
        self.url = engine.url

    def start(self) -> None:
        """Begin in the background; neither database nor broker need to be there yet."""
        outbox.attach(self.engine, self.wake)
        self._thread = eventlet.spawn(self._run)

    def stop(self) -> None:
        """Finish the batch that is under way; what remains waits in the table."""
        self._ending = True
        self.wake.set()
        self._thread.wait()

    def _run(self) -> None:
        pause = 0.2
        while not self._ending:
            try:
                self._hold_office()
                pause = 0.2
            except Exception as error:
                log.warning(
                    "relay interrupted", extra={"service_name": self.service, "error_code": type(error).__name__}
                )
                pause = min(pause * 2, 5.0)
            finally:
                self._publisher.close(orderly=self._ending)
            if not self._ending:
                time.sleep(pause)

    def _hold_office(self) -> None:
        """Become the active relay if nobody is, and publish until something breaks or we stop."""
        engine = single(self.url, connection_factory=prepared.Connection, options=_SETTINGS)
        with engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            cursor = raw.cursor()
            if not self._is_elected(cursor):
                return
            self._swept = float("-inf")
            listener = eventlet.spawn(self._keep_listening)
            try:
                self._publish_until_stopped(cursor)
            finally:
                listener.kill()

    def _is_elected(self, cursor: Any) -> bool:
        """Wait until no other replica relays; meanwhile tell the one that does of what this process commits.

        Many commits are one NOTIFY, which stands in no transaction of theirs: PostgreSQL lets only one transaction that
        notifies commit at a time. False when this process ends.
        """
        tried = float("-inf")
        while not self._ending:
            if time.monotonic() - tried >= LIMITS.relay_poll:
                tried = time.monotonic()
                cursor.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
                if (cursor.fetchone() or (False,))[0]:
                    return True
            self.wake.wait(max(0.0, tried + LIMITS.relay_poll - time.monotonic()))
            if self.wake.is_set():
                self.wake.clear()
                cursor.execute("NOTIFY outbox")
        return False

    def _keep_listening(self) -> None:
        """Be woken by commits of other replicas, on a new connection whenever one breaks."""
        engine, pause = single(self.url), 0.2
        while True:
            try:
                with engine.connect() as connection:
                    pause = 0.2
                    self._listen(connection.connection.dbapi_connection)
            except Exception as error:
                log.warning("not listening", extra={"service_name": self.service, "error_code": type(error).__name__})
            time.sleep(pause)
            pause = min(pause * 2, 5.0)

    def _listen(self, raw: Any) -> None:
        """Until the connection breaks (raises)."""
        raw.cursor().execute("LISTEN outbox")
        self.wake.set()  # whatever was notified before this connection
        while True:
            trampoline(raw.fileno(), read=True)
            raw.poll()
            if raw.notifies:
                raw.notifies.clear()
                self.wake.set()

    def _publish_until_stopped(self, cursor: Any) -> None:
        self._publish_while_wanted(cursor)
        self._publisher.wait(0)
        self._mark_and_read(cursor, self._since(), 0)

    def _publish_while_wanted(self, cursor: Any) -> None:
        most = LIMITS.relay_batch
        while not self._ending:
            self.wake.clear()
            begun = time.monotonic()
            waiting = self._publish_some(cursor, most)
            if len(waiting) < most and not self.wake.is_set():
                self._rest()
            most = LIMITS.relay_batch
            if waiting and waiting[-1].bulk:
                most = _SLICE
                if begun - self.wake.loading < _LOADING:
                    self.wake.wait(2 * (time.monotonic() - begun))

    def _publish_some(self, cursor: Any, most: int) -> list[_Row]:
        """Send up to so many, and what must go before them; returns those that were found first."""
        self._publisher.check()
        since = self._since()
        waiting = self._mark_and_read(cursor, since, most)
        if waiting:
            both_lanes = waiting[-1].bulk or len(waiting) == most
            self._publish(_ordered(cursor, waiting, since, self._publisher.sent()) if both_lanes else waiting)
            if both_lanes:
                self._publisher.wait(0)
        if len(waiting) < most and since is _EVER:
            self._swept = time.monotonic()
        return waiting

    def _mark_and_read(self, cursor: Any, since: datetime, most: int) -> list[_Row]:
        """Write down what the broker has taken, and read what waits, in one statement."""
        sent = [row.id for row in self._publisher.sent()]
        settled = self._publisher.take_settled()
        unroutable = [row for row, result in settled if result != "published"]
        published = [row for row, result in settled if result == "published"]
        reading = (since, sent, most)
        if settled:
            faults.point("relay_after_publish_before_mark")
        if unroutable:
            cursor.execute(_MARK, _marking("unroutable", unroutable))
        found = (
            _found(cursor, _MARK_AND_READ, *_marking("published", published), *reading)
            if published
            else _found(cursor, _WAITING, *reading)
        )
        if settled:
            faults.point("relay_after_mark")
        return found

    def _since(self) -> datetime:
        """Look at the last day; once a minute, and first of all, at everything until all of it is sent."""
        return _EVER if time.monotonic() - self._swept > _SWEEP_SECONDS else clock.machine_now() - _LATELY

    def _rest(self) -> None:
        """Wait for work, but not for long while there is something to mark."""
        self.wake.wait(_MARKED_WITHIN if self._publisher.busy else LIMITS.relay_poll)

    def _publish(self, rows: list[_Row]) -> None:
        faults.point("relay_before_publish")
        for row in rows:
            self._publisher.send(row, self._message(row), row.routing_key)

    def _message(self, row: _Row) -> amqp.Message:
        properties = {"user_id": self.user} if self.user else {}
        return amqp.Message(
            row.envelope.encode(),
            content_type=CONTENT_TYPE,
            delivery_mode=2,
            message_id=row.event_id,
            type=row.type,
            app_id=self.service,
            **properties,
        )


def _found(cursor: Any, statement: str, *values: Any) -> list[_Row]:
    cursor.execute(statement, values)
    return [_Row(*row) for row in cursor.fetchall()]


def _ordered(cursor: Any, waiting: list[_Row], since: datetime, before: list[_Row]) -> list[_Row]:
    """What is to be sent now, and in which order, of what may wait in both lanes. What was sent `before` is left out."""
    urgent = [row for row in waiting if not row.bulk]
    if not urgent:
        return waiting
    last = {row.aggregate_id: row.id for row in urgent}
    gone = {row.id for row in before}
    found = _found(cursor, _EARLIER, [*last], since)
    earlier = [row for row in found if row.id < last[row.aggregate_id] and row.id not in gone]
    first = sorted(urgent + earlier)
    sent = {row.id for row in first}
    return first + [row for row in waiting if row.id not in sent]


def _marking(state: str, rows: list[_Row]) -> tuple[str, list[int], datetime, datetime]:
    times = [row.created_at for row in rows]
    return state, [row.id for row in rows], min(times), max(times)
