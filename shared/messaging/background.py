"""`@background`: work that goes on beside the handlers for as long as the process lives, in every replica."""

import logging
import threading
import time
from typing import Any

import eventlet
from sqlalchemy import Engine

from shared.api.handlers import Handler

log = logging.getLogger(__name__)

_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class Background:
    """The background methods of one service. One that raises is started again, after a pause."""

    def __init__(self, service: object, engine: Engine, handlers: dict[str, Handler]) -> None:
        self.service, self.engine, self.handlers = service, engine, handlers
        self.ending = threading.Event()
        self._threads: list[Any] = []

    def start(self) -> None:
        self._threads = [eventlet.spawn(self._run, handler) for handler in self.handlers.values()]

    def stop(self, until: float) -> None:
        """Ask them to finish what they are at, and wait until the deadline."""
        self.ending.set()
        for thread in self._threads:
            with eventlet.Timeout(max(0.1, until - time.monotonic()), False):
                thread.wait()

    def _run(self, handler: Handler) -> None:
        pause = _PAUSE
        while not self.ending.is_set():
            try:
                handler.function(self.service, self.engine, self.ending)
                pause = _PAUSE
            except Exception:
                log.exception("background work interrupted", extra={"handler": handler.name})
            self.ending.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
