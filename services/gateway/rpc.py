"""Calls to services on Nameko's RPC wire: every call ends, by an answer, a refusal or its deadline."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from gateway import metrics
from gateway.errors import DeadlineExceeded, OutcomeUnknown, Overloaded, ServiceDown
from gateway.wire import HeaderValue, Link, Lost, Message

FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Reply:
    """What a service answered: JSON bytes of the whole Nameko reply, and the headers beside it."""

    body: bytes
    headers: dict[str, Any]


class Rpc:
    """The gateway's one connection to the broker, kept for as long as the gateway runs."""

    def __init__(self, uri: str, most_pending: int) -> None:
        self._uri, self._most = uri, most_pending
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._pending: dict[str, asyncio.Future[Reply]] = {}
        self._calls = 0
        self._name = self._key = ""
        metrics.pending_calls.set_function(lambda: len(self._pending))
        metrics.broker_connected.set_function(lambda: int(self.connected))

    @property
    def connected(self) -> bool:
        return self._link is not None and not self._link.blocked

    def start(self) -> None:
        """Begin to connect; callers get 503 until it has succeeded, so the gateway may start before the broker."""
        self._keeper = asyncio.create_task(self._keep_connected(), name="broker connection")

    async def stop(self) -> None:
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._link:
            self._link.close()

    async def call(
        self, service: str, operation: str, body: bytes, headers: dict[str, HeaderValue], seconds: float
    ) -> Reply:
        """Call an operation and wait for the answer, at most so many seconds.

        Raises ServiceDown (nobody takes it; certainly not carried out), Overloaded, OutcomeUnknown (the connection
        broke meanwhile) or DeadlineExceeded.
        """
        begun, outcome = time.perf_counter(), "error"
        try:
            reply = await self._carry_out(f"{service}.{operation}", body, headers, seconds)
            outcome = "answered"
            return reply
        except (ServiceDown, Overloaded, OutcomeUnknown, DeadlineExceeded) as refusal:
            outcome = refusal.code
            raise
        finally:
            _observed(service, operation, outcome)(time.perf_counter() - begun)

    async def _carry_out(self, key: str, body: bytes, headers: dict[str, HeaderValue], seconds: float) -> Reply:
        link = self._usable()
        loop = asyncio.get_running_loop()
        self._calls += 1
        call_id = f"{self._name}.{self._calls}"
        headers["nameko.call_id_stack"] = [f"gateway.{call_id}"]
        headers["nameko.deadline"] = int((time.time() + seconds) * 1000)
        answer: asyncio.Future[Reply] = loop.create_future()
        self._pending[call_id] = answer
        timer = loop.call_later(seconds, _fail, answer, DeadlineExceeded)
        try:
            link.publish(key, body, headers, call_id, self._key, int(seconds * 1000))
            return await answer
        finally:
            timer.cancel()
            del self._pending[call_id]

    def _usable(self) -> Link:
        if self._link is None or self._link.blocked:
            raise ServiceDown
        if len(self._pending) >= self._most:
            raise Overloaded
        return self._link

    def _receive(self, message: Message) -> None:
        answer = self._pending.get(message.correlation_id)
        if answer is None or answer.done():
            return  # it came after its deadline: the caller was told so
        if message.returned:
            answer.set_exception(ServiceDown())
        else:
            answer.set_result(Reply(message.body, message.headers or {}))

    # -- connection -------------------------------------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                lost = await self._open()
                delay = FIRST_DELAY
                reason = await lost
                metrics.reconnects.inc()
            except (OSError, Lost) as error:
                reason = str(error)
            self._drop()
            log.warning("broker connection lost", extra={"reason": reason, "retry_in": round(delay, 2)})
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))
            delay = min(delay * 2, LONGEST_DELAY)

    async def _open(self) -> "asyncio.Future[str]":
        """A new reply queue for each connection: an answer to a lost one cannot reach us anyway."""
        self._name, self._calls = uuid4().hex, 0
        self._key = str(uuid4())
        link = Link(self._uri, f"rpc.reply-gateway-{self._key}", self._key, self._receive)
        await link.open()
        self._link = link
        log.info("broker connected")
        return link.lost

    def _drop(self) -> None:
        """Nobody waits for an answer that cannot come."""
        self._link = None
        for answer in self._pending.values():
            _fail(answer, OutcomeUnknown)


def _fail(answer: "asyncio.Future[Reply]", refusal: type[Exception]) -> None:
    if not answer.done():
        answer.set_exception(refusal())


_observers: dict[tuple[str, str, str], Callable[[float], None]] = {}


def _observed(service: str, operation: str, outcome: str) -> Callable[[float], None]:
    """Label lookups are the expensive part of a metric: once per operation and outcome."""
    key = (service, operation, outcome)
    if key not in _observers:
        _observers[key] = metrics.call_seconds.labels(*key).observe
    return _observers[key]
