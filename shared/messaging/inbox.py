"""One effect per event and consumer: the claim, the failure, the retry, the parking."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.kernel import clock, faults, ids, metrics
from shared.kernel.context import Context
from shared.kernel.refusals import NotYet, Refusal
from shared.kernel.settings import LIMITS
from shared.messaging.applied import Applied
from shared.schema import envelope
from shared.schema.envelope import Envelope, Received, Unreadable
from shared.storage import transaction

log = logging.getLogger(__name__)

_CLAIM = text(
    "WITH claimed AS (INSERT INTO inbox AS i (consumer, event_id, type, producer, aggregate_id, sequence, sha256, state,"
    " attempts, received_at, processed_at) VALUES (:consumer, :event_id, :type, :producer, :aggregate_id, :sequence, :sha256,"
    " 'done', 1, now(), clock_timestamp())"
    " ON CONFLICT (consumer, event_id) DO UPDATE SET state = 'done', processed_at = clock_timestamp(), next_attempt_at = NULL,"
    " envelope = NULL WHERE i.state = ANY(:from_states) AND i.sha256 = excluded.sha256 RETURNING 1),"
    " moved AS (INSERT INTO consumer_position AS p (consumer, aggregate_id, sequence)"
    " SELECT :consumer, :aggregate_id, :sequence FROM claimed WHERE :latest"
    " ON CONFLICT (consumer, aggregate_id) DO UPDATE SET sequence = excluded.sequence"
    " WHERE excluded.sequence > p.sequence RETURNING 1)"
    " SELECT EXISTS (SELECT 1 FROM claimed) AS mine, EXISTS (SELECT 1 FROM moved) AS newer"
)
_FAILED = text(
    "INSERT INTO inbox AS i (consumer, event_id, type, producer, aggregate_id, sequence, sha256, state, attempts,"
    " next_attempt_at, error_code, envelope, received_at)"
    " VALUES (:consumer, :event_id, :type, :producer, :aggregate_id, :sequence, :sha256, :state, 1,"
    " :next_attempt_at, :error_code, :envelope, now())"
    " ON CONFLICT (consumer, event_id) DO UPDATE SET state = excluded.state, next_attempt_at = excluded.next_attempt_at,"
    " error_code = excluded.error_code, envelope = excluded.envelope WHERE i.state = 'trying'"
)
_TRYING = text(
    "INSERT INTO inbox AS i (consumer, event_id, type, producer, aggregate_id, sequence, sha256, state, attempts,"
    " envelope, received_at) VALUES (:consumer, :event_id, :type, :producer, :aggregate_id, :sequence, :sha256,"
    " 'trying', 1, :envelope, now())"
    " ON CONFLICT (consumer, event_id) DO UPDATE SET attempts = i.attempts + 1 WHERE i.state = 'trying' RETURNING attempts"
)
_DUE = text(
    "UPDATE inbox SET attempts = attempts + 1, next_attempt_at = now() + :lease WHERE (consumer, event_id) IN"
    " (SELECT consumer, event_id FROM inbox WHERE state = 'retry' AND next_attempt_at <= now() AND consumer = ANY(:consumers)"
    " ORDER BY next_attempt_at LIMIT 50 FOR UPDATE SKIP LOCKED)"
    " RETURNING consumer, event_id, producer, attempts, error_code, envelope"
)
_AFTER_RETRY = text(
    "UPDATE inbox SET state = :state, next_attempt_at = :next_attempt_at, error_code = :error_code"
    " WHERE consumer = :consumer AND event_id = :event_id AND state = 'retry' AND attempts = :attempts"
)
_HANDLED = (
    "handled AS (INSERT INTO inbox (consumer, event_id, type, producer, aggregate_id, sequence, sha256, state, attempts,"
    " received_at, processed_at) VALUES (%s, %s::uuid, %s, %s, %s::uuid, %s, %s, 'done', 1, now(), clock_timestamp()))"
)
"""The values are those of `row_of`, in its order."""
_KNOWN = text("SELECT sha256 FROM inbox WHERE consumer = :consumer AND event_id = :event_id")
_LEASE = timedelta(seconds=20)
_MOST_ATTEMPTS = 1 + max(len(LIMITS.retry_delays), len(LIMITS.not_yet_delays))
_KEPT_OF_UNREADABLE = 64 * 1024
"""Bytes. What cannot be read is kept to be looked at, not to fill the database; its hash is of the whole."""


class _AlreadyDone(Exception):
    """The claim found that another delivery had its effect; the transaction has nothing to commit."""


@dataclass(slots=True)
class Retry:
    """An inbox row whose next attempt is due."""

    consumer: str
    event_id: UUID
    producer: str
    attempts: int
    error_code: str
    body: bytes


class Inbox:
    """The events of one service's database."""

    def __init__(self, service: object, engine: Engine) -> None:
        self.service, self.engine = service, engine
        self.applied = Applied()

    def deliver(self, handler: Handler, body: bytes, producer: str, suspicious: bool = False) -> str:
        """Handle one delivery. Returns done, duplicate, skipped, retry or parked; then it may be acknowledged.

        `suspicious` says that the broker delivered it several times: then a row is committed before the attempt, so
        that a message which kills the process is recognised and parked. Raises only when the database is away.
        """
        try:
            received = self.read(handler, body, producer)
        except Unreadable as error:
            return self._park_bytes(handler, body, producer, error.code)
        if suspicious and self._crashes(handler, received, body) > LIMITS.crashes_before_parking:
            return self._fail(handler, received, body, "parked", None, "crashes_the_process")
        try:
            claims = suspicious or handler.order == "latest"
            return (self._apply if claims else self._apply_at_once)(handler, received, body, ["trying"])
        except Exception as error:
            raise_if_database_is_away(error)
            return self._fail(handler, received, body, *self._verdict(handler, error, 1))

    def read(self, handler: Handler, body: bytes, producer: str) -> Envelope:
        """What a message says, if it may say that to this handler. Raises Unreadable.

        The broker vouches for the publishing user; an event of another service's type is a forgery.
        """
        received = envelope.read(body)
        if producer != received.event.service:
            raise Unreadable("wrong_producer")
        if handler.kind != "record" and type(received.event) not in handler.events:
            raise Unreadable("unexpected_type")
        return received

    def retry_due(self, handlers: dict[str, Handler]) -> int:
        """Run the rows whose time has come; an attempt is counted before it is made. Returns how many ran."""
        due = transaction.run(self.engine, Context(), lambda s: self._take_due(s, list(handlers)))
        for row in due:
            self._again(handlers[row.consumer], row)
        return len(due)

    def _take_due(self, session: Session, consumers: list[str]) -> list[Retry]:
        rows = session.execute(_DUE, {"consumers": consumers, "lease": _LEASE})
        return [
            Retry(row.consumer, row.event_id, row.producer, row.attempts, row.error_code, bytes(row.envelope))
            for row in rows
        ]

    def _again(self, handler: Handler, row: Retry) -> None:
        """Another attempt. What an operator replays although it was refused for its form or origin is refused again."""
        try:
            received = self.read(handler, row.body, row.producer)
        except Unreadable:
            return self._settle(row, "parked", None, row.error_code)
        if row.attempts > _MOST_ATTEMPTS:  # the attempts before it ended with the process
            log.error("parked", extra={"consumer": handler.name, "error_code": "crashes_the_process"})
            return self._settle(row, "parked", None, "crashes_the_process")
        try:
            result = self._apply(handler, received, row.body, ["retry"])
        except Exception as error:
            raise_if_database_is_away(error)
            return self._settle(row, *self._verdict(handler, error, row.attempts))
        if row.event_id != received.id:  # kept under its hash; now it was handled under its own id, or never will be
            return self._settle(row, "parked" if result == "parked" else "discarded", None, row.error_code)
        metrics.consumed.labels(handler.name, result).inc()

    def _settle(self, row: Retry, state: str, at: Any, code: str) -> None:
        values = {"state": state, "next_attempt_at": at, "error_code": code, "consumer": row.consumer,
                  "event_id": row.event_id, "attempts": row.attempts}  # fmt: skip
        transaction.run(self.engine, Context(), lambda s: s.execute(_AFTER_RETRY, values))
        metrics.consumed.labels(row.consumer, state).inc()

    def _apply_at_once(self, handler: Handler, received: Envelope, body: bytes, from_states: list[str]) -> str:
        """Call the handler before the inbox: it is written together with all else at the end, so that nearly every event,
        which is new, costs one round trip less. One that is known has no effect, whatever the handler made of it.
        """

        def work(session: Session) -> str:
            faults.point("before_inbox")
            transaction.close_with(session, _HANDLED, list(row_of(handler, received, body).values()))
            faults.point("after_inbox")
            self._act(handler, session, received, body)
            if faults.WEATHER == "fail_once":
                raise faults.InjectedFault
            return "done"

        try:
            result = transaction.run(self.engine, context_of(received), work)
        except Exception as error:
            raise_if_database_is_away(error)
            if not isinstance(error, transaction.AlreadyHandled) and not self._known(handler, received):
                raise
            return self._apply(handler, received, body, from_states)
        self._note(handler, received)
        return result

    def _apply(self, handler: Handler, received: Envelope, body: bytes, from_states: list[str]) -> str:
        """Call the handler if the event can be claimed in the inbox."""

        def work(session: Session) -> str:
            faults.point("before_inbox")
            values = {
                **row_of(handler, received, body),
                "from_states": from_states,
                "latest": handler.order == "latest",
            }
            claim = session.execute(_CLAIM, values).one()
            faults.point("after_inbox")
            if not claim.mine:
                raise _AlreadyDone
            if handler.order == "latest" and not claim.newer:
                return "skipped"
            self._act(handler, session, received, body)
            if faults.WEATHER == "fail_once" and from_states == ["trying"]:
                raise faults.InjectedFault
            return "done"

        try:
            result = transaction.run(self.engine, context_of(received), work)
        except _AlreadyDone:
            return self._duplicate(handler, received, body)
        self._note(handler, received)
        return result

    def _note(self, handler: Handler, received: Envelope) -> None:
        self.applied.note(received.id, handler.name)
        metrics.end_to_end_seconds.labels(received.event.type).observe((clock.now() - received.time).total_seconds())

    def _act(self, handler: Handler, session: Session, received: Envelope, body: bytes) -> None:
        told: Any = received.event
        if handler.in_batches:
            told = [Received(received, body.decode()) if handler.kind == "record" else received.event]
        handler.function(self.service, session, told)

    def _known(self, handler: Handler, received: Envelope) -> bytes | None:
        """The hash of the message that the inbox has under this id, in whatever state."""
        with self.engine.connect() as connection:
            values = {"consumer": handler.name, "event_id": received.id}
            stored: bytes | None = connection.execute(_KNOWN, values).scalar()
        return stored

    def _duplicate(self, handler: Handler, received: Envelope, body: bytes) -> str:
        stored = self._known(handler, received)
        if stored is not None and bytes(stored) != hashlib.sha256(body).digest():
            return self._park_bytes(handler, body, received.event.service, "wrong_content")
        return "duplicate"

    def _verdict(self, handler: Handler, error: Exception, attempts: int) -> tuple[str, Any, str]:
        """(state, next attempt, error code) after a failed attempt. The body is never logged."""
        code = error.code if isinstance(error, Refusal) else type(error).__name__
        delays = LIMITS.not_yet_delays if isinstance(error, NotYet) else LIMITS.retry_delays
        if attempts > len(delays):
            log.error("parked", extra={"consumer": handler.name, "error_code": code, "attempts": attempts})
            return "parked", None, code
        if not isinstance(error, NotYet):
            log.warning("handler failed", extra={"consumer": handler.name, "error_code": code}, exc_info=error)
        return "retry", clock.machine_now() + timedelta(seconds=delays[attempts - 1]), code

    def _fail(self, handler: Handler, received: Envelope, body: bytes, state: str, at: Any, code: str) -> str:
        values = {
            **row_of(handler, received, body),
            "state": state,
            "next_attempt_at": at,
            "error_code": code,
            "envelope": body,
        }
        transaction.run(self.engine, Context(), lambda s: s.execute(_FAILED, values))
        return state

    def _crashes(self, handler: Handler, received: Envelope, body: bytes) -> int:
        values = {**row_of(handler, received, body), "envelope": body}
        attempts = transaction.run(self.engine, Context(), lambda s: s.execute(_TRYING, values).scalar())
        return int(attempts or 0)

    def _park_bytes(self, handler: Handler, body: bytes, producer: str, code: str) -> str:
        """Keep what cannot be handled: an operator looks at it; the body appears in no log.

        The same bytes parked twice (a redelivery) are one row: their key is derived from their hash.
        """
        digest = hashlib.sha256(body).digest()
        key = ids.id_of_hash(digest)
        values = {
            "consumer": handler.name, "event_id": key, "type": code, "producer": producer or "unknown",
            "aggregate_id": None, "sequence": None, "sha256": digest, "state": "parked", "next_attempt_at": None,
            "error_code": code, "envelope": body[:_KEPT_OF_UNREADABLE],
        }  # fmt: skip
        log.error("parked", extra={"consumer": handler.name, "error_code": code, "sha256": digest.hex()})
        transaction.run(self.engine, Context(), lambda s: s.execute(_FAILED, values))
        return "parked"


def raise_if_database_is_away(error: Exception) -> None:
    """A message waits in its queue while the database is away; it has not failed."""
    if isinstance(error, DBAPIError) and transaction.connection_lost(error):
        raise error


def row_of(handler: Handler, received: Envelope, body: bytes) -> dict[str, Any]:
    """What a row of the inbox says of a message, whatever becomes of it."""
    return {
        "consumer": handler.name,
        "event_id": received.id,
        "type": received.type,
        "producer": received.event.service,
        "aggregate_id": received.event.aggregate_id,
        "sequence": received.sequence,
        "sha256": hashlib.sha256(body).digest(),
    }


def context_of(received: Envelope) -> Context:
    """The circumstances in which an event is handled."""
    return Context(
        actor=received.actor,
        company_id=received.company_id,
        request_id=received.correlation_id,
        traceparent=received.traceparent,
        correlation_id=received.correlation_id,
        causation_id=str(received.id),
        event_id=received.id,
        event_type=received.type,
        event_cause=received.causation_id,
        event_time=received.time,
    )
