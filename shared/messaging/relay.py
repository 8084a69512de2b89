"""The relay: sends outbox rows in order, with pipelined publisher confirms, and marks what the broker has taken.

One relay per service is active, whatever the number of replicas: it holds an advisory lock on the very database
session that marks the rows, so that losing the session is losing the office.

What jobs wrote (`bulk`) waits while there is anything else, and goes out in slices. No event overtakes an earlier one of
its aggregate all the same. Events of one aggregate commit in the order of their ids, for they are numbered under a row
lock. So whoever sees one sees all earlier ones:
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
from kombu import Connection
from sqlalchemy import Engine

from shared.kernel import clock, faults, metrics
from shared.kernel.settings import LIMITS
from shared.messaging.connection import disconnect, new_connection
from shared.schema.envelope import CONTENT_TYPE
from shared.storage import outbox, prepared
from shared.storage.connecting import options, single

log = logging.getLogger(__name__)

_LOCK = 4218
# The statements name a span of time, so that PostgreSQL plans for one partition of the outbox instead of for all.
_SELECT = "SELECT id, event_id::text, type, routing_key, envelope, created_at, bulk, aggregate_id::text FROM outbox"
_WAITING = f"{_SELECT} WHERE state = 'new' AND created_at >= %s ORDER BY bulk, id LIMIT %s"
# Its first words are those of its own index: of two that it might use, PostgreSQL knows too little to choose.
_EARLIER = (
    f"{_SELECT} WHERE state <> 'published' AND bulk AND aggregate_id = ANY(%s::uuid[])"
    " AND created_at >= %s AND state || '' = 'new'"
)
# Statistics never know how many rows wait, and PostgreSQL would sort all of them for each slice: read them in order.
_SETTINGS = options(enable_sort="off", statement_timeout="60s")
_MARK = (
    "UPDATE outbox SET state = %s, published_at = statement_timestamp()"
    " WHERE id = ANY(%s) AND state = 'new' AND created_at BETWEEN %s AND %s"
)
_SLICE = 200
"""Rows sent at once while bulk rows wait: what somebody waits for is not behind more than these."""
_LOADING = 3.0
"""Seconds after a batch of a job in which the relay rests between slices, so that the job is done sooner: who started it
waits for that, while the last of its events arrives no later for it."""
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_LATELY = timedelta(days=1)
_SWEEP_SECONDS = 60.0


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


class BrokerRefused(Exception):
    """The broker did not confirm in time or refused a message; the rows stay and are sent again."""


class Relay:
    """Publishes the outbox of one service."""

    def __init__(self, service: str, engine: Engine, uri: str, user: str | None) -> None:
        self.service, self.engine, self.uri, self.user = service, engine, uri, user
        self.wake = outbox.Wake()
        self._ending = False
        self._thread: Any = None
        self._broker: Connection | None = None
        self._channel: Any = None
        self._outstanding: set[int] = set()
        self._returned: set[str] = set()
        self._nacked = False
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
                self.wake.leads = False
                self._close_broker()
            if not self._ending:
                time.sleep(pause)

    def _hold_office(self) -> None:
        """Become the active relay if nobody is, and publish until something breaks or we stop."""
        engine = single(self.url, connection_factory=prepared.Connection, options=_SETTINGS)
        with engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            cursor = raw.cursor()
            while not self._ending:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
                if (cursor.fetchone() or (False,))[0]:
                    break
                time.sleep(LIMITS.relay_poll)
            self.wake.leads = not self._ending
            self._swept = float("-inf")
            listener = eventlet.spawn(self._keep_listening)
            try:
                self._publish_until_stopped(cursor)
            finally:
                listener.kill()

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
        since = self._since()
        waiting = _found(cursor, _WAITING, since, most)
        if waiting:
            both_lanes = waiting[-1].bulk or len(waiting) == most
            rows = _ordered(cursor, waiting, since) if both_lanes else waiting
            states = self._publish(rows)
            faults.point("relay_after_publish_before_mark")
            _mark(cursor, rows, states)
            faults.point("relay_after_mark")
        if len(waiting) < most and since is _EVER:
            self._swept = time.monotonic()
        return waiting

    def _since(self) -> datetime:
        """Look at the last day; once a minute, and first of all, at everything until all of it is sent."""
        return _EVER if time.monotonic() - self._swept > _SWEEP_SECONDS else clock.now() - _LATELY

    def _rest(self) -> None:
        """Wait for work; meanwhile answer the broker's heartbeats."""
        self.wake.wait(LIMITS.relay_poll)
        if self._broker is not None and not self.wake.is_set():
            self._drain(0.001)
            self._broker.heartbeat_check(rate=2)

    def _publish(self, rows: list[_Row]) -> dict[int, str]:
        """Send a batch; returns {outbox id: state} for all of it. Raises when the broker does not confirm."""
        channel = self._open_channel()
        started = time.monotonic()
        self._returned.clear()
        faults.point("relay_before_publish")
        for row in rows:
            self._send(channel, row)
            if len(self._outstanding) >= LIMITS.relay_window:
                self._wait_for_confirms(LIMITS.relay_window // 2)
        self._wait_for_confirms(0)
        metrics.relay_confirm_seconds.observe(time.monotonic() - started)
        states = {row.id: "unroutable" if row.event_id in self._returned else "published" for row in rows}
        for state in set(states.values()):
            metrics.relay_published.labels(self.service, state).inc(sum(1 for s in states.values() if s == state))
        return states

    def _send(self, channel: Any, row: _Row) -> None:
        properties = {"user_id": self.user} if self.user else {}
        message = amqp.Message(
            row.envelope.encode(),
            content_type=CONTENT_TYPE,
            delivery_mode=2,
            message_id=row.event_id,
            type=row.type,
            app_id=self.service,
            **properties,
        )
        self._tag += 1
        self._outstanding.add(self._tag)
        channel._basic_publish(message, exchange="events", routing_key=row.routing_key, mandatory=True)

    def _wait_for_confirms(self, left: int) -> None:
        deadline = time.monotonic() + LIMITS.confirm_timeout
        while len(self._outstanding) > left:
            self._drain(max(0.01, deadline - time.monotonic()))
            if self._nacked or time.monotonic() > deadline:
                raise BrokerRefused

    def _drain(self, timeout: float) -> None:
        assert self._broker is not None
        try:
            self._broker.drain_events(timeout=timeout)
        except TimeoutError:
            return

    def _open_channel(self) -> Any:
        if self._channel is None:
            blocked = metrics.relay_blocked.labels(self.service)
            self._broker = new_connection(
                self.uri, f"{self.service} relay", lambda reason: blocked.set(1), lambda: blocked.set(0)
            )
            self._broker.connect()
            blocked.set(0)
            channel: Any = self._broker.channel()
            channel.confirm_select()
            channel.events["basic_ack"].add(self._on_ack)
            channel.events["basic_return"].add(self._on_return)
            channel.events["basic_nack"].add(self._on_nack)
            self._channel, self._tag, self._nacked = channel, 0, False
            self._outstanding.clear()
        return self._channel

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._outstanding -= {t for t in self._outstanding if t <= tag} if multiple else {tag}

    def _on_nack(self, *_: Any) -> None:
        self._nacked = True

    def _on_return(self, *arguments: Any) -> None:
        """An event that no queue takes: marked and reported, never counted as sent."""
        message = arguments[-1]
        self._returned.add(message.properties["message_id"])
        log.error("unroutable event", extra={"event_type": message.properties.get("type")})

    def _close_broker(self) -> None:
        broker, self._broker, self._channel = self._broker, None, None
        metrics.relay_blocked.labels(self.service).set(0)
        if broker is not None:
            disconnect(broker, orderly=self._ending)


def _found(cursor: Any, statement: str, *values: Any) -> list[_Row]:
    cursor.execute(statement, values)
    return [_Row(*row) for row in cursor.fetchall()]


def _ordered(cursor: Any, waiting: list[_Row], since: datetime) -> list[_Row]:
    """What is to be sent now, and in which order, of what may wait in both lanes."""
    urgent = [row for row in waiting if not row.bulk]
    if not urgent:
        return waiting
    last = {row.aggregate_id: row.id for row in urgent}
    earlier = [row for row in _found(cursor, _EARLIER, [*last], since) if row.id < last[row.aggregate_id]]
    first = sorted(urgent + earlier)
    sent = {row.id for row in first}
    return first + [row for row in waiting if row.id not in sent]


def _mark(cursor: Any, rows: list[_Row], states: dict[int, str]) -> None:
    """Write down what the broker has taken, and what no queue took."""
    times = [row.created_at for row in rows]
    for state in sorted(set(states.values())):
        taken = [row_id for row_id, reached in states.items() if reached == state]
        cursor.execute(_MARK, (state, taken, min(times), max(times)))
