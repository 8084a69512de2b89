"""Events from the broker to the inbox: one quorum queue per handler, acknowledged only after the commit."""

import logging
import random
import time
from collections import deque
from contextlib import nullcontext
from typing import Any

import eventlet
from eventlet.semaphore import Semaphore
from kombu import Connection, Consumer, Queue
from sqlalchemy.exc import DBAPIError

from shared.api.handlers import Handler
from shared.kernel import faults, metrics
from shared.kernel.settings import LIMITS
from shared.messaging import together
from shared.messaging.batches import Batches
from shared.messaging.connection import LOST, Link, cancel, give_back
from shared.messaging.inbox import Inbox
from shared.messaging.queues import Stopped, body_of, is_suspicious, producer_of, queue_name

log = logging.getLogger(__name__)

SHARED = 20
"""Events that share a transaction, at most: what one of them locks stays locked until the last of them is done."""


class EventConsumer:
    """All event handlers of one service on one connection, each with its own channel, prefetch and concurrency."""

    def __init__(self, service: str, uri: str, handlers: dict[str, Handler], inbox: Inbox, trust_user: bool) -> None:
        self.service, self.inbox, self.trust_user, self.retried = service, inbox, trust_user, handlers
        self.handlers = {name: handler for name, handler in handlers.items() if not handler.in_batches}
        batched = [handler for handler in handlers.values() if handler.in_batches]
        self.batches = [Batches(service, handler, inbox, trust_user, self.handle) for handler in batched]
        self.link = Link(uri, f"{service} events", self._subscribe)
        self.turns = {name: Semaphore(self._at_once(handler)) for name, handler in self.handlers.items()}
        self.waiting: dict[str, deque[tuple[Any, bool]]] = {name: deque() for name in self.handlers}
        self.all_turns = Semaphore(LIMITS.all_events_concurrency)
        self.alone = Semaphore(1)
        self.running = 0
        self._retry_seen = 0.0
        self._consumers: list[Consumer] = []
        self._ending = False
        self._retrier: Any = None
        self._random = random.Random(faults.SEED)

    @staticmethod
    def _at_once(handler: Handler) -> int:
        """Fewer transactions at once where they are shared: what arrives meanwhile is taken by the next one."""
        return min(2, LIMITS.event_concurrency) if handler.locks else LIMITS.event_concurrency

    def start(self) -> None:
        self.link.start()
        for batches in self.batches:
            batches.start()
        self._retrier = eventlet.spawn(self._retry_forever)

    def drain(self, until: float) -> bool:
        """Take nothing new, finish what runs. Returns whether everything finished before the deadline."""
        self._ending = True
        for consumer in self._consumers:
            cancel(consumer)
        for batches in self.batches:
            batches.end()
        finished = all([batches.drain(until) for batches in self.batches])
        while self.running and time.monotonic() < until:
            time.sleep(0.02)
        return finished and not self.running

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
                prefetch_count=LIMITS.event_concurrency * 2 + (SHARED if self.handlers[name].locks else 0),
                auto_declare=False,
                tag_prefix=f"{self.service}.{name}-",
            )
            consumer.consume()
            self._consumers.append(consumer)
        for batches in self.batches:
            batches.subscribe(connection)

    def _receive(self, name: str, message: Any) -> None:
        if self._ending:
            return give_back(message)
        self.running += 1
        if faults.WEATHER == "shuffle":
            eventlet.spawn_after(self._random.uniform(0, 0.08), self._arrive, name, message)
        else:
            self._arrive(name, message)
        if faults.WEATHER == "duplicate":
            self.running += 1
            eventlet.spawn_after(self._random.uniform(0, 0.05), self._arrive, name, message, False)

    def _arrive(self, name: str, message: Any, acknowledge: bool = True) -> None:
        self.waiting[name].append((message, acknowledge))
        eventlet.spawn(self._work, name)

    def _work(self, name: str) -> None:
        """Take what waits when it is the turn of this handler; an earlier turn may have taken it."""
        taken: list[tuple[Any, bool]] = []
        try:
            with self.turns[name], self.all_turns:
                taken = self._take(name)
                self._handle_all(self.handlers[name], [message for message, _ in taken])
            for message, acknowledge in taken:
                faults.point("after_commit_before_ack")
                if acknowledge:
                    message.ack()
                faults.point("after_ack")
        except LOST as error:
            # The broker will deliver it again, and the inbox will know it.
            log.info("not acknowledged", extra={"consumer": name, "error_code": type(error).__name__})
        except Stopped:
            log.info("left for later", extra={"consumer": name})
        except Exception:
            log.exception("delivery failed", extra={"consumer": name})
            time.sleep(1)
            for message, _ in taken:
                give_back(message)
        finally:
            self.running -= 1

    def _take(self, name: str) -> list[tuple[Any, bool]]:
        """What is handled in this turn: one message, or, where they may share a transaction, all that wait."""
        waiting = self.waiting[name]
        most = SHARED if self.handlers[name].locks else 1
        return [waiting.popleft() for _ in range(min(most, len(waiting)))]

    def _handle_all(self, handler: Handler, messages: list[Any]) -> None:
        for message in messages if len(messages) < 2 else self._left_over(handler, messages):
            self.handle(handler, message)

    def _left_over(self, handler: Handler, messages: list[Any]) -> list[Any]:
        """Those that must be taken one by one: all of them while the database is away."""
        try:
            return together.left_over(self.inbox, handler, messages, self.trust_user)
        except DBAPIError:
            return messages

    def handle(self, handler: Handler, message: Any) -> None:
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
                    raise Stopped from error
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
