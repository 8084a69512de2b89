"""The side port of a service process: /livez, /readyz and /metrics."""

import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import eventlet
import eventlet.wsgi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.kernel import metrics

log = logging.getLogger(__name__)

_WATCHED_EVERY = 0.5
"""Seconds. Every waking costs an idle process some 0.1 ms of CPU, so not more often than what it looks for lasts."""

Checks = Callable[[], dict[str, bool]]


class Health:
    """Answers probes. A blocked event loop cannot answer, which is the point of /livez."""

    def __init__(self, checks: Checks) -> None:
        self.checks = checks
        self.stopping = False
        self._listener: Any = None

    def start(self, port: int, host: str = "127.0.0.1") -> None:
        self._listener = eventlet.listen((host, port))
        eventlet.spawn(eventlet.wsgi.server, self._listener, self._answer, log_output=False)
        eventlet.spawn(self._watch_loop)

    def _answer(self, environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/livez":
                return _send(respond, "200 OK", {"status": "alive"})
            case "/readyz":
                checks = {**self.checks(), "running": not self.stopping}
                return _send(respond, "200 OK" if all(checks.values()) else "503 Service Unavailable", checks)
            case "/metrics":
                respond("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
                return [generate_latest()]
        return _send(respond, "404 Not Found", {"status": "unknown"})

    def _watch_loop(self) -> None:
        """Measure how late the loop wakes us: a handler that blocks it shows here."""
        while True:
            before = time.monotonic()
            time.sleep(_WATCHED_EVERY)
            lag = time.monotonic() - before - _WATCHED_EVERY
            metrics.hub_lag.set(lag)
            if lag > 1:
                log.error("event loop was blocked", extra={"seconds": round(lag, 1)})


def _send(respond: Callable[..., Any], status: str, body: dict[str, Any]) -> list[bytes]:
    respond(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
