"""The RPC server on Nameko's wire protocol: signed callers, deadlines, at-most-once execution, refusals by code.

A request is acknowledged when its execution begins: a command whose process dies is not executed a second time behind
the caller's back; the caller sees the deadline pass and asks again with the same idempotency key.
"""

import logging
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from threading import Event as Signal
from typing import Any
from uuid import UUID

import amqp
import eventlet
from eventlet.semaphore import Semaphore
from kombu import Connection, Consumer, Queue
from sqlalchemy import Engine

from shared.api import own_writes
from shared.api.caller import HEADER, Callers
from shared.api.handlers import Handler
from shared.api.operations import Reply, execute
from shared.kernel import clock, faults, ids, metrics, strict_json
from shared.kernel.context import ANONYMOUS, Context
from shared.kernel.refusals import NotYet, Refusal, Unavailable
from shared.kernel.settings import LIMITS, REQUEST_GAP
from shared.messaging.applied import Applied
from shared.messaging.awaited import Arrivals, check_known
from shared.messaging.connection import LOST, Link, cancel, give_back
from shared.schema.envelope import dumps

log = logging.getLogger(__name__)

_PREFIX = "nameko."
_ANSWERS_WITHIN = 5.0
"""Seconds for which requests wait, at the start, for the connection over which they are answered."""


class DeadlineExceeded(Refusal):
    """The caller has given up, so it was not executed."""

    family = "deadline"
    code = "deadline_exceeded"
    en = "The time for this request was over before it could be carried out."
    fr = "Le délai accordé à cette demande était écoulé avant son exécution."


class NobodyThere(Unavailable):
    """The request waited while no process of this service took any; the caller has given it up."""

    code = "service_unavailable"


class RpcServer:
    """Serves all operations of one service from its queue `rpc-<service>`."""

    def __init__(
        self,
        service: object,
        name: str,
        uri: str,
        handlers: dict[str, Handler],
        consumers: dict[str, Handler],
        engine: Engine,
        applied: Applied,
        callers: Callers,
        user: str | None,
    ) -> None:
        """`user` is the broker account that the broker vouches for on replies; None on a shared one."""
        self.service, self.name, self.handlers, self.engine, self.user = service, name, handlers, engine, user
        self.arrivals, self.callers = Arrivals(consumers, engine, applied), callers
        self.requests = Link(uri, f"{name} rpc", self._consume)
        self.replies = Link(uri, f"{name} replies", self._open_reply_channel)
        self.turns = Semaphore(LIMITS.rpc_concurrency)
        self.running = 0
        self._ending = False
        self._takes_since = clock.machine_now()
        self._consumer: Consumer | None = None
        self._reply_channel: Any = None
        self._can_answer = Signal()

    def start(self) -> None:
        self.replies.start()
        self.requests.start()

    def drain(self, until: float) -> bool:
        """Take nothing new, finish and answer what runs. Returns whether that succeeded before the deadline."""
        self._ending = True
        if self._consumer is not None:
            cancel(self._consumer)
        while self.running and time.monotonic() < until:
            time.sleep(0.02)
        return not self.running

    def close(self) -> None:
        self.requests.close()
        self.replies.close()

    def _consume(self, connection: Connection) -> None:
        self._can_answer.wait(_ANSWERS_WITHIN)
        channel = connection.channel()
        self._consumer = Consumer(
            channel,
            [Queue(f"rpc-{self.name}", no_declare=True, channel=channel)],
            on_message=self._receive,
            prefetch_count=LIMITS.rpc_concurrency * 2,
            auto_declare=False,
        )
        self._takes_since = clock.machine_now()
        self._consumer.consume()

    def _open_reply_channel(self, connection: Connection) -> None:
        self._reply_channel = connection.channel()
        self._can_answer.set()

    def _receive(self, message: Any) -> None:
        if self._ending:
            return give_back(message)
        self.running += 1
        eventlet.spawn(self._work, message)

    def _work(self, message: Any) -> None:
        started = time.monotonic()
        name = str(message.delivery_info["routing_key"]).partition(".")[2]
        waits = self._may_wait(message.headers or {})
        try:
            with nullcontext() if waits else self.turns:
                message.ack()
                outcome = self._serve(name, message, self.turns if waits else nullcontext())
        except LOST as error:
            outcome = "lost"
            log.info("request lost with its connection", extra={"operation": name, "error_code": type(error).__name__})
        finally:
            self.running -= 1
        known = name if name in self.handlers else "unknown"
        metrics.rpc_seconds.labels(known, outcome).observe(time.monotonic() - started)

    def _may_wait(self, headers: dict[str, Any]) -> bool:
        """A request that waits for an event waits without a turn: it must not keep others from being served."""
        if headers.get(f"{_PREFIX}wait_for") or headers.get(f"{_PREFIX}own_writes"):
            return True
        last = headers.get(f"{_PREFIX}last_writes")
        return bool(last and self.arrivals.lacking(_event_ids(last, own_writes.MOST)))

    def _serve(self, name: str, message: Any, turn: Any) -> str:
        context = Context()
        try:
            context = _context(message.headers or {})
            self.callers.introduce(context, (message.headers or {}).get(HEADER))
            reply = self._execute(name, message.body, context, turn)
        except Refusal as refusal:
            self._send(message, _refused(refusal, context.language))
            return refusal.code
        except Exception as error:
            log.exception("operation failed", extra={"operation": name, "request_id": context.request_id})
            self._send(message, _failed(error))
            return "error"
        faults.point("rpc_after_work_before_reply")
        headers = {
            "liaison.status": reply.status,
            "liaison.etag": reply.etag,
            "liaison.id": reply.id,
            "liaison.event_ids": ",".join(reply.event_ids),
            "liaison.replayed": reply.replayed,
        }
        self._send(message, f'{{"error":null,"result":{reply.body}}}', headers)
        return "ok"

    def _execute(self, name: str, body: Any, context: Context, turn: Any) -> Reply:
        handler = self.handlers.get(name)
        if handler is None:
            raise MethodNotFound(method=name)
        self._check_times(context)
        raw = body.tobytes() if isinstance(body, memoryview) else body
        call = strict_json.loads(raw.encode() if isinstance(raw, str) else raw)
        if not isinstance(call, dict) or not isinstance(call.get("kwargs"), dict) or call.get("args"):
            raise MalformedCall
        check_known(context.wait_for)
        if missing := self.arrivals.missing(context.wait_for, LIMITS.wait_for, context):
            raise NotYet(event_ids=[str(event_id) for event_id in missing])
        context.missing = self.arrivals.missing(context.last_writes, own_writes.PATIENCE, context)
        own_writes.check(handler.kind, context)
        try:
            return self._carry_out(handler, call["kwargs"], context, turn)
        except Refusal as refusal:
            if not own_writes.can_wait(refusal, context):
                raise own_writes.told(refusal, context) from None
        return self._carry_out_again(handler, call["kwargs"], context, turn)

    def _check_times(self, context: Context) -> None:
        """Raise what the caller was answered already, so that nothing is carried out behind its back."""
        _check_deadline(context)
        if context.sent and context.sent < self._takes_since - timedelta(seconds=REQUEST_GAP):
            raise NobodyThere

    def _carry_out(self, handler: Handler, kwargs: dict[str, Any], context: Context, turn: Any) -> Reply:
        with turn:
            _check_deadline(context)
            return execute(self.service, self.engine, handler, kwargs, context)

    def _carry_out_again(self, handler: Handler, kwargs: dict[str, Any], context: Context, turn: Any) -> Reply:
        """After the caller's own events were applied here, or took too long; without a turn while it waits."""
        context.missing = self.arrivals.missing(context.own_writes, own_writes.PATIENCE, context)
        context.own_writes = ()
        try:
            return self._carry_out(handler, kwargs, context, turn)
        except Refusal as refusal:
            raise own_writes.told(refusal, context) from None

    def _send(self, message: Any, body: str, headers: dict[str, Any] | None = None) -> None:
        """Publish a reply; one that cannot be sent is given up, the caller's deadline tells it so."""
        reply_to = message.properties.get("reply_to")
        if not reply_to:
            return
        reply = amqp.Message(
            body.encode(),
            content_type="application/json",
            content_encoding="utf-8",
            correlation_id=message.properties.get("correlation_id"),
            delivery_mode=1,
            application_headers=headers or {},
            **({"user_id": self.user} if self.user else {}),
            expiration="30000",
        )
        try:
            if self._reply_channel is None:
                raise OSError("not connected")
            self._reply_channel._basic_publish(reply, exchange="nameko-rpc", routing_key=reply_to)
        except LOST as error:
            log.warning("reply not sent", extra={"service_name": self.name, "error_code": type(error).__name__})


class MethodNotFound(Refusal):
    """The service has no such operation."""

    family = "not_found"
    code = "method_not_found"
    en = "There is no operation {method}."
    fr = "L'opération {method} n'existe pas."


class MalformedCall(Refusal):
    """The message is not a call: it needs `kwargs`, an object; positional arguments are not used."""

    family = "bad_request"
    code = "malformed_call"
    en = "A call carries its arguments by name."
    fr = "Un appel désigne ses arguments par leur nom."


def _check_deadline(context: Context) -> None:
    if context.deadline and clock.machine_now() >= context.deadline:
        raise DeadlineExceeded


def _refused(refusal: Refusal, language: str) -> str:
    wire = refusal.to_wire(language)
    kind = "".join(word.title() for word in refusal.family.split("_"))
    error = {"exc_type": kind, "exc_args": [wire["detail"]], "value": wire["detail"], "refusal": wire}
    return dumps({"result": None, "error": error})


def _failed(error: Exception) -> str:
    """An unexpected failure crosses the wire without a word of its own text."""
    if isinstance(error, Unavailable):
        return _refused(error, "en")
    return dumps({"result": None, "error": {"exc_type": "InternalError", "exc_args": [], "value": "internal error"}})


def _context(headers: dict[str, Any]) -> Context:
    """What the headers say about the call. Raises MalformedCall when they cannot mean that."""
    given = {k.removeprefix(_PREFIX): v for k, v in headers.items() if k.startswith(_PREFIX)}
    if not all(isinstance(given[name], kinds) for name, kinds in _HEADER_TYPES.items() if given.get(name) is not None):
        raise MalformedCall
    request_id = str(given.get("request_id") or ids.new_id())[:128]
    sent, deadline = given.get("sent"), given.get("deadline")
    return Context(
        actor=ANONYMOUS,
        language="fr" if given.get("language") == "fr" else "en",
        request_id=request_id,
        traceparent=given.get("traceparent"),
        correlation_id=request_id,
        causation_id=request_id,
        sent=_instant(sent) if sent else None,
        deadline=_instant(deadline) if deadline else None,
        idempotency_key=given.get("idempotency_key"),
        if_match=given.get("if_match"),
        if_none_match=given.get("if_none_match"),
        wait_for=_event_ids(given.get("wait_for"), 10),
        last_writes=_event_ids(given.get("last_writes"), own_writes.MOST),
        own_writes=_event_ids(given.get("own_writes"), own_writes.MOST),
    )


_HEADER_TYPES: dict[str, Any] = {
    "sent": int,
    "deadline": int,
    "idempotency_key": str,
    "if_match": (int, str),
    "if_none_match": str,
    "traceparent": str,
}


def _event_ids(given: Any, most: int) -> tuple[UUID, ...]:
    return tuple(found for part in str(given or "").split(",")[:most] if (found := _uuid(part)))


def _instant(milliseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise MalformedCall from None


def _uuid(raw: Any) -> UUID | None:
    try:
        return UUID(str(raw)) if raw else None
    except ValueError:
        return None
