"""Publishing with pipelined confirms: what is sent is outstanding until the broker has answered for it.

Nobody waits for an answer before sending more, up to a window. Answers come in any order, but a message counts as
settled only after all that were sent before it, so that marks follow the order of sending.
"""

import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass
from threading import Event as Signal
from typing import Any

import amqp
import eventlet
from kombu import Connection

from shared.kernel import metrics
from shared.kernel.settings import LIMITS
from shared.messaging.connection import disconnect, new_connection

log = logging.getLogger(__name__)


class BrokerRefused(Exception):
    """The broker did not confirm in time or refused a message; what is not settled is sent again."""


@dataclass(slots=True)
class Outstanding:
    """A message that was sent; `key` is whatever the sender knows it by."""

    key: Any
    event_id: str
    tag: int
    at: float
    answered: bool = False


class Publisher:
    """One channel of a service to the exchange `events`. What ends its connection is raised by the next call."""

    def __init__(self, service: str, uri: str) -> None:
        self.service, self.uri = service, uri
        self._settled: list[tuple[Any, str]] = []
        self._outstanding: deque[Outstanding] = deque()
        self._by_tag: dict[int, Outstanding] = {}
        self._returned: set[str] = set()
        self._answer = Signal()
        self._broker: Connection | None = None
        self._channel: Any = None
        self._reader: Any = None
        self._broken: Exception | None = None
        self._tag = 0
        self._sending = False

    @property
    def busy(self) -> bool:
        """Whether anything was sent that `take_settled` has not given out."""
        return bool(self._outstanding or self._settled)

    def sent(self) -> list[Any]:
        """The keys of what was sent and is not given out by `take_settled`."""
        return [key for key, _ in self._settled] + [one.key for one in self._outstanding]

    def take_settled(self) -> list[tuple[Any, str]]:
        """(key, "published" or "unroutable") of what the broker has answered for, in the order of sending."""
        settled, self._settled = self._settled, []
        return settled

    def send(self, key: Any, message: amqp.Message, routing_key: str) -> None:
        """Send one message as soon as the window has room for it."""
        if len(self._outstanding) >= LIMITS.relay_window:
            self.wait(LIMITS.relay_window // 2)
        channel = self._open_channel()
        self._tag += 1
        one = Outstanding(key, message.properties["message_id"], self._tag, time.monotonic())
        self._by_tag[one.tag] = one
        self._outstanding.append(one)
        self._sending = True
        try:
            channel._basic_publish(message, exchange="events", routing_key=routing_key, mandatory=True)
        finally:
            self._sending = False

    def check(self) -> None:
        """Raise what ended the connection, or BrokerRefused where the broker is silent for too long."""
        if self._broken is not None:
            raise self._broken
        if self._outstanding and time.monotonic() - self._outstanding[0].at > LIMITS.confirm_timeout:
            raise BrokerRefused

    def wait(self, left: int) -> None:
        """Until at most so many are outstanding."""
        while len(self._outstanding) > left:
            self._answer.clear()
            self.check()
            self._answer.wait(0.5)

    def close(self, orderly: bool) -> None:
        """What is not given out as settled is forgotten here: it is sent again over the next connection."""
        broker, self._broker, self._channel = self._broker, None, None
        metrics.relay_blocked.labels(self.service).set(0)
        if self._reader is not None:
            self._reader.kill()
        if broker is not None:
            disconnect(broker, orderly)
        self._forget()

    def _forget(self) -> None:
        self._reader, self._broken, self._tag = None, None, 0
        for kept in (self._settled, self._outstanding, self._by_tag, self._returned):
            kept.clear()

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
            self._channel = channel
            self._reader = eventlet.spawn(self._read, self._broker)
        return self._channel

    def _read(self, broker: Connection) -> None:
        """Take the broker's answers and keep the connection alive, until it breaks."""
        beat = time.monotonic()
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    broker.drain_events(timeout=1)
                if time.monotonic() - beat > 1 and not self._sending:  # two frames may not mix on the wire
                    beat = time.monotonic()
                    broker.heartbeat_check(rate=2)
        except Exception as error:
            self._broken = error
            self._answer.set()

    def _on_ack(self, tag: int, multiple: bool) -> None:
        answered = [one for one in self._outstanding if one.tag <= tag] if multiple else [self._by_tag[tag]]
        for one in answered:
            one.answered = True
        while self._outstanding and self._outstanding[0].answered:
            self._settle(self._outstanding.popleft())
        self._answer.set()

    def _settle(self, one: Outstanding) -> None:
        del self._by_tag[one.tag]
        result = "unroutable" if one.event_id in self._returned else "published"
        self._returned.discard(one.event_id)
        self._settled.append((one.key, result))
        metrics.relay_confirm_seconds.observe(time.monotonic() - one.at)
        metrics.relay_published.labels(self.service, result).inc()

    def _on_nack(self, *_: Any) -> None:
        raise BrokerRefused

    def _on_return(self, *arguments: Any) -> None:
        """An event that no queue takes: marked and reported, never counted as sent. It comes before its confirm."""
        message = arguments[-1]
        self._returned.add(message.properties["message_id"])
        log.error("unroutable event", extra={"event_type": message.properties.get("type")})
