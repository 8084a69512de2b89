"""Calls to services on Nameko's RPC wire: every call ends, by an answer, a refusal or its deadline."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from gateway.calls.edges import Edges
from gateway.calls.presence import Presence
from gateway.calls.wire import HeaderValue, Link, Lost, Message
from gateway.errors import DeadlineExceeded, OutcomeUnknown, Overloaded, ServiceDown
from gateway.http import metrics
from gateway.http.bounds import Turns
from gateway.http.streaming import Places

Headers = dict[str, HeaderValue]
HeadersOfCaller = Callable[[], Awaitable[Headers]]

FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
TOLD_MILLISECONDS = 2000
"""For so long the broker keeps what an edge tells the others."""

log = logging.getLogger(__name__)


async def _nothing() -> Headers:
    return {}


@dataclass(slots=True)
class Reply:
    """What a service answered: JSON bytes of the whole Nameko reply, and the headers beside it."""

    body: bytes
    headers: dict[str, Any]


@dataclass(slots=True)
class Pending:
    """A call that waits for its answer, which only the called service may give."""

    service: str
    answer: "asyncio.Future[Reply]"


class Rpc:
    """The gateway's one connection to the broker, kept for as long as the gateway runs.

    At most `most_pending` calls of one service are under way: one that is slow takes nothing from the others. Of these
    one user has at most `turns`, fewer than a process carries out at once; more of theirs wait here. With `vouched` the
    broker names who answers: see "The broker names the producer" in ARCHITECTURE.md.
    """

    def __init__(self, uri: str, most_pending: int, turns: int, services: Sequence[str], vouched: bool) -> None:
        self._uri, self._vouched = uri, vouched
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._pending: dict[str, Pending] = {}
        self._places, self._turns = Places(most_pending), Turns(turns)
        self._presence = Presence(services, self._give_up)
        self._key = ""
        self.edges = Edges(self._tell)
        metrics.pending_calls.set_function(lambda: len(self._pending))
        metrics.broker_connected.set_function(lambda: int(self.connected))

    @property
    def connected(self) -> bool:
        return self._link is not None and not self._link.blocked and not self._link.lost.done()

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
        self,
        who: str,
        service: str,
        operation: str,
        body: bytes,
        headers: Headers,
        seconds: float,
        headers_of_caller: HeadersOfCaller = _nothing,
    ) -> Reply:
        """Call an operation and wait for the answer, at most so many seconds. `who` shares with nobody but themselves.

        `headers_of_caller` goes beside it as well, asked for when the call has its turn; what it raises ends the call.
        Raises ServiceDown (nobody takes it; certainly not carried out), Overloaded, OutcomeUnknown (the connection
        broke meanwhile) or DeadlineExceeded.
        """
        begun, outcome = time.perf_counter(), "error"
        try:
            if "nameko.wait_for" in headers:  # a call that waits takes no turn of the service meanwhile
                reply = await self._in_place(service, operation, body, headers | await headers_of_caller(), seconds)
            else:
                async with self._turns.turn(f"{who} {service}", seconds):
                    beside = headers | await headers_of_caller()
                    left = begun + seconds - time.perf_counter()
                    reply = await self._in_place(service, operation, body, beside, left)
            outcome = "answered"
            return reply
        except (ServiceDown, Overloaded, OutcomeUnknown, DeadlineExceeded) as refusal:
            outcome = refusal.code
            raise
        finally:
            _observed(service, operation, outcome)(time.perf_counter() - begun)

    def _tell(self, key: str, body: bytes, token: str) -> None:
        """Send something to other edges, if that is possible now: nothing may depend on it."""
        if self.connected and self._link is not None:
            self._link.publish(key, body, {}, token, self._key, TOLD_MILLISECONDS)

    async def _in_place(self, service: str, operation: str, body: bytes, headers: Headers, seconds: float) -> Reply:
        self._usable()
        release = self._places.take(service)
        if release is None:
            raise Overloaded
        try:
            await self._presence.expect(service)
            return await self._carry_out(service, operation, body, headers, seconds)
        finally:
            release()

    async def _carry_out(self, service: str, operation: str, body: bytes, headers: Headers, seconds: float) -> Reply:
        link, loop, now = self._usable(), asyncio.get_running_loop(), time.time()
        call_id = secrets.token_hex(16)
        headers["nameko.call_id_stack"] = [f"gateway.{call_id}"]
        headers["nameko.sent"] = int(now * 1000)
        headers["nameko.deadline"] = int((now + seconds) * 1000)
        answer: asyncio.Future[Reply] = loop.create_future()
        self._pending[call_id] = Pending(service, answer)
        timer = loop.call_later(seconds, _fail, answer, DeadlineExceeded)
        try:
            link.publish(f"{service}.{operation}", body, headers, call_id, self._key, int(seconds * 1000))
            return await answer
        finally:
            timer.cancel()
            del self._pending[call_id]

    def _usable(self) -> Link:
        if self._link is None or not self.connected:
            raise ServiceDown
        return self._link

    def _receive(self, message: Message) -> None:
        pending = self._pending.get(message.correlation_id)
        if message.to_all:
            self.edges.receive(message.body)
        elif pending is None:
            self.edges.confirm(message.correlation_id, message.body)
        elif not pending.answer.done():  # else it came after its deadline: the caller has an answer
            self._settle(pending, message)

    def _settle(self, pending: Pending, message: Message) -> None:
        if message.returned:
            pending.answer.set_exception(ServiceDown())
        elif self._vouched and message.user != pending.service:
            log.error("answer of another service", extra={"service_name": pending.service, "user": message.user})
        else:
            pending.answer.set_result(Reply(message.body, message.headers or {}))

    def _give_up(self, service: str, most: int) -> int:
        """End the newest calls of a service: those before them were begun. Returns how many were ended."""
        waiting = [one.answer for one in self._pending.values() if one.service == service and not one.answer.done()]
        for answer in waiting[-most:]:
            _fail(answer, OutcomeUnknown)
        return min(most, len(waiting))

    # -- connection -------------------------------------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                link = await self._open()
                delay = FIRST_DELAY
                reason = await self._follow(link)
                metrics.reconnects.inc()
            except (OSError, Lost) as error:
                reason = str(error)
            self._drop()
            log.warning("broker connection lost", extra={"reason": reason, "retry_in": round(delay, 2)})
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))
            delay = min(delay * 2, LONGEST_DELAY)

    async def _follow(self, link: Link) -> str:
        """Look who is there until the connection is lost; returns why it was."""
        meanwhile = (
            asyncio.create_task(self._presence.watch(link), name="presence of services"),
            asyncio.create_task(self.edges.greet(self._key), name="presence of edges"),
        )
        try:
            return await link.lost
        finally:
            for task in meanwhile:
                task.cancel()
            await asyncio.gather(*meanwhile, return_exceptions=True)

    async def _open(self) -> Link:
        """A new reply queue for each connection: an answer to a lost one cannot reach us anyway."""
        self._key = str(uuid4())
        link = Link(self._uri, f"rpc.reply-gateway-{self._key}", self._key, self._receive)
        await link.open()
        self._link = link
        log.info("broker connected")
        return link

    def _drop(self) -> None:
        """Nobody waits for an answer that cannot come."""
        self._link = None
        for pending in self._pending.values():
            _fail(pending.answer, OutcomeUnknown)


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
