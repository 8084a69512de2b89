"""One AMQP connection that is kept alive for ever: connects, reads, beats, reconnects, and never ends the process."""

import contextlib
import logging
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import amqp
import eventlet
from kombu import Connection, Consumer

from shared.kernel.settings import LIMITS

log = logging.getLogger(__name__)

LOST = (amqp.exceptions.AMQPError, amqp.exceptions.ConnectionError, OSError, socket.timeout, AttributeError)
"""What a dead connection raises; AttributeError is py-amqp touching a channel that was taken down under it."""


def cancel(consumer: Consumer) -> None:
    """Ask for no more messages, without waiting for the answer: only the link's own greenlet may read the socket."""
    channel: Any = consumer.channel
    try:
        for tag in consumer._active_tags.values():
            channel.basic_cancel(tag, nowait=True)
    except LOST as error:
        log.info("consumer was gone already", extra={"error_code": type(error).__name__})


def give_back(message: Any) -> None:
    """Let another replica have a message at once, not only when this process is gone."""
    try:
        message.requeue()
    except LOST as error:
        log.info("given back by the broker itself", extra={"error_code": type(error).__name__})


def new_connection(
    uri: str, name: str, on_blocked: Callable[[str], None], on_unblocked: Callable[[], None]
) -> Connection:
    """A connection as every part of a service wants it, not yet open. The broker's lists show it by its name."""
    return Connection(
        uri,
        heartbeat=LIMITS.heartbeat,
        connect_timeout=5,
        transport_options={
            "on_blocked": on_blocked,
            "on_unblocked": on_unblocked,
            "client_properties": {"connection_name": name},
        },
    )


def disconnect(connection: Connection, orderly: bool) -> None:
    """End a connection. Without `orderly` nothing is asked of the other side, which may be gone without a word.

    kombu's own `close` and `collect` wait for the broker's answer as long as the socket lives.
    """
    try:
        if orderly:
            with eventlet.Timeout(2, False):
                connection.close()
        established: Any = connection._connection
        if established is not None:
            established.collect()
    except Exception as error:
        log.info("connection ended uncleanly", extra={"error_code": type(error).__name__})


class Link:
    """A connection with a purpose. `on_open(connection)` sets up channels; it is called again after every loss."""

    def __init__(self, uri: str, name: str, on_open: Callable[[Connection], None]) -> None:
        self.uri, self.name, self.on_open = uri, name, on_open
        self.connection: Connection | None = None
        self.up = False
        self._ending = False
        self._thread: Any = None

    def start(self) -> None:
        """Begin to connect, without waiting for success: the service starts before the broker, if need be."""
        self._thread = eventlet.spawn(self._run)

    def close(self) -> None:
        """End the connection; what was not acknowledged goes back to its queue."""
        self._ending = True
        if self._thread is not None:
            self._thread.wait()

    def _run(self) -> None:
        pause = 0.2
        while not self._ending:
            try:
                self._connect()
                pause = 0.2
                self._read()
            except Exception as error:
                if not isinstance(error, LOST):
                    log.exception("link failed", extra={"link": self.name})
                elif self.up:
                    log.warning("link lost", extra={"link": self.name, "error_code": type(error).__name__})
            finally:
                self._drop()
            if not self._ending:
                time.sleep(random.uniform(pause / 2, pause))
                pause = min(pause * 2, 5.0)

    def _connect(self) -> None:
        connection = new_connection(self.uri, self.name, self._note_blocked, self._note_unblocked)
        self.connection = connection
        connection.connect()
        self.on_open(connection)
        self.up = True
        log.info("link up", extra={"link": self.name})

    def _read(self) -> None:
        assert self.connection is not None
        beat = time.monotonic()
        while not self._ending:
            with contextlib.suppress(TimeoutError):
                self.connection.drain_events(timeout=1)
            if time.monotonic() - beat > 1:
                beat = time.monotonic()
                self.connection.heartbeat_check(rate=2)

    def _drop(self) -> None:
        self.up = False
        connection, self.connection = self.connection, None
        if connection is not None:
            disconnect(connection, orderly=self._ending)

    def _note_blocked(self, reason: str) -> None:
        log.warning("broker blocks publishing", extra={"link": self.name, "error_code": str(reason)[:100]})

    def _note_unblocked(self) -> None:
        log.info("broker accepts again", extra={"link": self.name})
