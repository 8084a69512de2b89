"""Every event of every service into one handler, in batches: one transaction and one acknowledgement for many.

What cannot be read or written with the others goes the way of all messages, one by one through the inbox.
"""

import logging
import random
import time
from typing import Any

import eventlet
from eventlet.queue import Empty, LightQueue
from kombu import Connection, Consumer, Queue
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared import faults, metrics, transaction
from shared.consumer import body_of, is_suspicious, producer_of, queue_name
from shared.context import Context
from shared.envelope import Received, Unreadable
from shared.handlers import Handler
from shared.inbox import Inbox, raise_if_database_is_away
from shared.link import LOST, Link, cancel, give_back

log = logging.getLogger(__name__)

BATCH = 200
GATHERED_FOR = 0.02
"""Seconds that the first event of a batch waits for others."""
GATHERED_WHEN_BUSY = 0.1
"""The same where events follow each other closely: fewer and larger transactions cost the machine a fraction."""
_LOOK_UP = 1.0


class Recorder:
    """One queue, one batch at a time. Of several replicas the broker lets one have messages."""

    def __init__(self, service: str, uri: str, handler: Handler, inbox: Inbox, trust_user: bool) -> None:
        self.service, self.handler, self.inbox, self.trust_user = service, handler, inbox, trust_user
        self.link = Link(uri, f"{service} {handler.name}", self._subscribe)
        self._arrived: LightQueue[Any] = LightQueue()
        self._consumer: Consumer | None = None
        self._worker: Any = None
        self._ending = False

    def start(self) -> None:
        self.link.start()
        self._worker = eventlet.spawn(self._work)

    def drain(self, until: float) -> bool:
        """Take nothing new and finish the batch that is under way. Returns whether that succeeded in time."""
        self._ending = True
        if self._consumer is not None:
            cancel(self._consumer)
        with eventlet.Timeout(max(0.1, until - time.monotonic()), False):
            self._worker.wait()
            return True
        return False

    def close(self) -> None:
        self.link.close()

    def _subscribe(self, connection: Connection) -> None:
        """What came over an earlier connection comes again: it cannot be acknowledged over this one."""
        self._arrived = LightQueue()
        channel = connection.channel()
        self._consumer = Consumer(
            channel,
            [Queue(queue_name(self.service, self.handler.name), no_declare=True, channel=channel)],
            on_message=self._receive,
            prefetch_count=BATCH * 2,
            auto_declare=False,
        )
        self._consumer.consume()

    def _receive(self, message: Any) -> None:
        if self._ending:
            return give_back(message)
        self._arrived.put(message)

    def _work(self) -> None:
        while not self._ending:
            batch = self._gather()
            try:
                if batch and self._record_until_done(batch):
                    self._acknowledge(batch)
            except Exception:
                log.exception("recording failed", extra={"consumer": self.handler.name})
                time.sleep(1)
                for message in batch:
                    give_back(message)

    def _gather(self) -> list[Any]:
        arrived, begun = self._arrived, time.monotonic()
        try:
            batch = [arrived.get(timeout=_LOOK_UP)]
        except Empty:
            return []
        if arrived.qsize() < BATCH:
            time.sleep(GATHERED_WHEN_BUSY if time.monotonic() - begun < GATHERED_FOR else GATHERED_FOR)
        while len(batch) < BATCH and arrived.qsize():
            batch.append(arrived.get_nowait())
        return batch

    def _record_until_done(self, batch: list[Any]) -> bool:
        """Record, as often as the database goes away meanwhile. False when the service stops before it is back."""
        pause = 0.1
        while True:
            try:
                self._record(batch)
                return True
            except DBAPIError as error:
                if self._ending:
                    return False
                log.warning("database away", extra={"consumer": self.handler.name, "error_code": type(error).__name__})
                time.sleep(random.uniform(pause / 2, pause))
                pause = min(pause * 2, 5.0)

    def _record(self, batch: list[Any]) -> None:
        """Raises DBAPIError when the database is away; then all of it may be recorded again."""
        received: list[Received] = []
        alone = []
        for message in batch:
            readable = None if is_suspicious(message) else self._read(message)
            if readable is None:
                alone.append(message)
            else:
                received.append(readable)
        if received and not self._together(received):
            alone = batch
        for message in alone:
            self._one(message)

    def _read(self, message: Any) -> Received | None:
        body = body_of(message)
        try:
            return Received(self.inbox.read(self.handler, body, producer_of(message, self.trust_user)), body.decode())
        except Unreadable:
            return None

    def _together(self, received: list[Received]) -> bool:
        def work(session: Session) -> None:
            self.handler.function(self.inbox.service, session, received)

        try:
            transaction.run(self.inbox.engine, Context(), work)
        except Exception as error:
            raise_if_database_is_away(error)
            log.warning("one by one", extra={"consumer": self.handler.name, "error_code": type(error).__name__})
            return False
        metrics.consumed.labels(self.handler.name, "done").inc(len(received))
        return True

    def _one(self, message: Any) -> None:
        producer = producer_of(message, self.trust_user)
        result = self.inbox.deliver(self.handler, body_of(message), producer, is_suspicious(message))
        metrics.consumed.labels(self.handler.name, result).inc()

    def _acknowledge(self, batch: list[Any]) -> None:
        faults.point("after_record_before_ack")
        try:
            batch[-1].channel.basic_ack(batch[-1].delivery_tag, multiple=True)
        except LOST as error:
            # The broker will deliver them again, and the handler will know them.
            log.info("not acknowledged", extra={"consumer": self.handler.name, "error_code": type(error).__name__})
