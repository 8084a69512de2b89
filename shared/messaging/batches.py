"""Handlers that take what waits in their queue at once: one transaction and one acknowledgement for many events.

They are those that record everything and those that keep copies of what others own. What cannot be taken with the
others goes the way of all messages, one by one through the inbox.
"""

import logging
import random
import time
from collections.abc import Callable
from typing import Any

import eventlet
from eventlet.queue import LightQueue
from kombu import Connection, Consumer, Queue
from sqlalchemy.exc import DBAPIError

from shared.api.handlers import Handler
from shared.kernel import faults
from shared.messaging import together
from shared.messaging.connection import LOST, cancel, give_back
from shared.messaging.inbox import Inbox
from shared.messaging.queues import Stopped, queue_name

log = logging.getLogger(__name__)

BATCH = 200
GATHERED_FOR = 0.02
"""Seconds that the first event of a batch waits for others where every event is recorded."""
GATHERED_WHEN_BUSY = 0.1
"""The same where events follow each other closely: fewer and larger transactions cost the machine a fraction."""
COPIES_GATHERED_FOR = 0.05
"""The same for copies, which somebody may be waiting for: only when more than one event is there already."""
_LOOK_UP = None
"""Among the messages: no message, but news for the worker."""

OneByOne = Callable[[Handler, Any], None]


class Batches:
    """One handler with its queue, one batch at a time. `one_by_one(handler, message)` handles a single message."""

    def __init__(self, service: str, handler: Handler, inbox: Inbox, trust_user: bool, one_by_one: OneByOne) -> None:
        self.service, self.handler, self.inbox, self.trust_user = service, handler, inbox, trust_user
        self.one_by_one = one_by_one
        self._arrived: LightQueue[Any] = LightQueue()
        self._consumer: Consumer | None = None
        self._worker: Any = None
        self._ending = False
        self._random = random.Random(faults.SEED)

    def start(self) -> None:
        self._worker = eventlet.spawn(self._work)

    def end(self) -> None:
        """Take nothing new."""
        self._ending = True
        if self._consumer is not None:
            cancel(self._consumer)
        self._arrived.put(_LOOK_UP)

    def drain(self, until: float) -> bool:
        """Finish the batch that is under way. Returns whether that succeeded in time."""
        with eventlet.Timeout(max(0.1, until - time.monotonic()), False):
            self._worker.wait()
            return True
        return False

    def subscribe(self, connection: Connection) -> None:
        """What came over an earlier connection comes again: it cannot be acknowledged over this one."""
        before, self._arrived = self._arrived, LightQueue()
        before.put(_LOOK_UP)
        arrived = self._arrived
        channel = connection.channel()
        self._consumer = Consumer(
            channel,
            [Queue(queue_name(self.service, self.handler.name), no_declare=True, channel=channel)],
            on_message=lambda message: self._receive(arrived, message),
            prefetch_count=BATCH * 2,
            auto_declare=False,
        )
        self._consumer.consume()

    def _receive(self, arrived: Any, message: Any) -> None:
        if self._ending:
            return give_back(message)
        if faults.WEATHER == "shuffle":
            eventlet.spawn_after(self._random.uniform(0, 0.08), arrived.put, message)
        else:
            arrived.put(message)
        if faults.WEATHER == "duplicate":
            eventlet.spawn_after(self._random.uniform(0, 0.05), arrived.put, message)

    def _work(self) -> None:
        while not self._ending:
            batch = self._gather()
            try:
                if batch and self._take_until_done(batch):
                    self._acknowledge(batch)
            except Stopped:
                log.info("left for later", extra={"consumer": self.handler.name})
            except Exception:
                log.exception("batch failed", extra={"consumer": self.handler.name})
                time.sleep(1)
                for message in batch:
                    give_back(message)

    def _gather(self) -> list[Any]:
        arrived, begun = self._arrived, time.monotonic()
        batch = [arrived.get()]
        if batch[0] is not _LOOK_UP and arrived.qsize() < BATCH:
            time.sleep(self._pause(arrived.qsize(), time.monotonic() - begun))
        while len(batch) < BATCH and arrived.qsize():
            batch.append(arrived.get_nowait())
        return [message for message in batch if message is not _LOOK_UP]

    def _pause(self, more: int, waited: float) -> float:
        """How long to wait for others when this many came with the first one, which was waited for so long."""
        if self.handler.kind == "record":
            return GATHERED_WHEN_BUSY if waited < GATHERED_FOR else GATHERED_FOR
        return COPIES_GATHERED_FOR if more else 0

    def _take_until_done(self, batch: list[Any]) -> bool:
        """Take it, as often as the database goes away meanwhile. False when the service stops before it is back."""
        pause = 0.1
        while True:
            try:
                self._take(batch)
                return True
            except DBAPIError as error:
                if self._ending:
                    return False
                log.warning("database away", extra={"consumer": self.handler.name, "error_code": type(error).__name__})
                time.sleep(random.uniform(pause / 2, pause))
                pause = min(pause * 2, 5.0)

    def _take(self, batch: list[Any]) -> None:
        """Raises DBAPIError when the database is away; then all of it may be taken again."""
        for message in together.left_over(self.inbox, self.handler, batch, self.trust_user):
            self.one_by_one(self.handler, message)

    def _acknowledge(self, batch: list[Any]) -> None:
        """All of a batch at once; in a weather, where messages come out of order or twice, each by itself."""
        faults.point("after_batch_before_ack")
        try:
            if not faults.WEATHER:
                batch[-1].channel.basic_ack(batch[-1].delivery_tag, multiple=True)
                return
            for message in batch:
                if not message.acknowledged:
                    message.ack()
        except LOST as error:
            # The broker will deliver them again, and they will be known.
            log.info("not acknowledged", extra={"consumer": self.handler.name, "error_code": type(error).__name__})
