"""Events from the broker to the inbox: one quorum queue per handler, acknowledged only after the commit."""

import logging
import random
import time
from contextlib import nullcontext
from typing import Any

import eventlet
from eventlet.semaphore import Semaphore
from kombu import Connection, Consumer, Queue

from shared import faults, metrics
from shared.handlers import Handler
from shared.inbox import Inbox
from shared.link import LOST, Link, cancel, give_back
from shared.settings import LIMITS

log = logging.getLogger(__name__)

_SUSPICIOUS_DELIVERIES = 3


def queue_name(service: str, handler: str) -> str:
    """The name of a handler's queue; it begins with the service, and so do the service's rights."""
    return f"{service}.{handler}"


class EventConsumer:
    """All event handlers of one service on one connection, each with its own channel, prefetch and concurrency."""

    def __init__(
        self,
        service: str,
        uri: str,
        handlers: dict[str, Handler],
        inbox: Inbox,
        trust_user: bool,
        recorders: dict[str, Handler],
    ) -> None:
        self.service, self.handlers, self.inbox, self.trust_user = service, handlers, inbox, trust_user
        self.retried = handlers | recorders
        self.link = Link(uri, f"{service} events", self._subscribe)
        self.turns = {name: Semaphore(LIMITS.event_concurrency) for name in handlers}
        self.all_turns = Semaphore(LIMITS.all_events_concurrency)
        self.alone = Semaphore(1)
        self.running = 0
        self._retry_seen = 0.0
        self._consumers: list[Consumer] = []
        self._ending = False
        self._retrier: Any = None
        self._random = random.Random(faults.SEED)

    def start(self) -> None:
        self.link.start()
        self._retrier = eventlet.spawn(self._retry_forever)

    def drain(self, until: float) -> bool:
        """Take nothing new, finish what runs. Returns whether everything finished before the deadline."""
        self._ending = True
        for consumer in self._consumers:
            cancel(consumer)
        while self.running and time.monotonic() < until:
            time.sleep(0.02)
        return not self.running

    def close(self) -> None:
        self.link.close()

    def _subscribe(self, connection: Connection) -> None:
        self._consumers = []
        for name in self.handlers:
            channel = connection.channel()
            queue = Queue(queue_name(self.service, name), no_declare=True, channel=channel)
            consumer = Consumer(
                channel,
                [queue],
                on_message=lambda message, name=name: self._receive(name, message),
                prefetch_count=LIMITS.event_concurrency * 2,
                auto_declare=False,
                tag_prefix=f"{self.service}.{name}-",
            )
            consumer.consume()
            self._consumers.append(consumer)

    def _receive(self, name: str, message: Any) -> None:
        if self._ending:
            return give_back(message)
        self.running += 1
        if faults.WEATHER == "shuffle":
            eventlet.spawn_after(self._random.uniform(0, 0.08), self._work, name, message)
        else:
            eventlet.spawn(self._work, name, message)
        if faults.WEATHER == "duplicate":
            self.running += 1
            eventlet.spawn_after(self._random.uniform(0, 0.05), self._work, name, message, False)

    def _work(self, name: str, message: Any, acknowledge: bool = True) -> None:
        try:
            with self.turns[name], self.all_turns:
                self._handle(self.handlers[name], message)
            faults.point("after_commit_before_ack")
            if acknowledge:
                message.ack()
            faults.point("after_ack")
        except LOST as error:
            # The broker will deliver it again, and the inbox will know it.
            log.info("not acknowledged", extra={"consumer": name, "error_code": type(error).__name__})
        except _Stopped:
            log.info("left for later", extra={"consumer": name})
        except Exception:
            log.exception("delivery failed", extra={"consumer": name})
            time.sleep(1)
            give_back(message)
        finally:
            self.running -= 1

    def _handle(self, handler: Handler, message: Any) -> None:
        """What came back several times is handled alone: if the process dies of it, only it is counted as the cause."""
        suspicious = is_suspicious(message)
        started = time.monotonic()
        with self.alone if suspicious else nullcontext():
            result = self._deliver(handler, message, suspicious)
        if result == "retry":
            self._retry_seen = time.monotonic()
        metrics.consumed.labels(handler.name, result).inc()
        metrics.handler_seconds.labels(handler.name).observe(time.monotonic() - started)

    def _deliver(self, handler: Handler, message: Any, suspicious: bool) -> str:
        """Deliver until the database has answered; while it is away the messages wait, here and in the queue."""
        pause = 0.1
        body, producer = body_of(message), producer_of(message, self.trust_user)
        while True:
            try:
                return self.inbox.deliver(handler, body, producer, suspicious)
            except Exception as error:
                if self._ending:
                    raise _Stopped from error
                log.warning("database away", extra={"consumer": handler.name, "error_code": type(error).__name__})
                time.sleep(random.uniform(pause / 2, pause))
                pause = min(pause * 2, 5.0)
                suspicious = False  # this delivery was counted; the database is to blame

    def _retry_forever(self) -> None:
        """Run inbox rows whose next attempt is due, in every replica; a row is taken by one of them.

        Looks often while this process has just put something aside, and once a second otherwise.
        """
        while not self._ending:
            recent = time.monotonic() - self._retry_seen < 15
            time.sleep(random.uniform(0.05, 0.15) if recent else random.uniform(0.5, 1.5))
            self.running += 1
            try:
                while not self._ending and self.inbox.retry_due(self.retried):
                    pass
            except Exception as error:
                log.warning(
                    "retries interrupted", extra={"service_name": self.service, "error_code": type(error).__name__}
                )
                time.sleep(1)
            finally:
                self.running -= 1


class _Stopped(Exception):
    """The service stops while the database is away; the message goes back to its queue unacknowledged."""


def is_suspicious(message: Any) -> bool:
    """Whether the broker delivered it so often that it may be what ends the process."""
    return int((message.headers or {}).get("x-delivery-count", 0)) >= _SUSPICIOUS_DELIVERIES


def body_of(message: Any) -> bytes:
    """The bytes of a message, in whatever form kombu hands them over."""
    body = message.body.tobytes() if isinstance(message.body, memoryview) else message.body
    return body.encode() if isinstance(body, str) else body


def producer_of(message: Any, trust_user: bool) -> str:
    """The user that the broker vouches for; on a shared account only the routing key tells who it may be."""
    if trust_user:
        return str(message.properties.get("user_id") or "")
    return str(message.delivery_info.get("routing_key", "")).split(".")[0]
