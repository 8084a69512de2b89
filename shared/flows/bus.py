"""The Nameko side: one entrypoint per decorated method, one shared extension that runs the service on the bus."""

import logging
import os
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from nameko.extensions import Entrypoint, SharedExtension

from shared.kernel.settings import LIMITS, amqp_uri, database_url, required

log = logging.getLogger(__name__)


class Bus(SharedExtension):
    """Everything that one service does on the broker: RPC, events, relay, timers; started and drained as one."""

    def __init__(self) -> None:
        self._parts: Any = None
        self._stopped = False
        self.drained = True

    def setup(self) -> None:
        """Build the parts; the imports stand here because they need the process to be patched by eventlet."""
        if self._parts is not None:
            return
        from shared.api.caller import Callers
        from shared.api.handlers import collect
        from shared.jobs import handling, storage
        from shared.jobs.runner import Runner
        from shared.kernel.signing import Keys
        from shared.messaging.background import Background
        from shared.messaging.consumer import EventConsumer
        from shared.messaging.inbox import Inbox
        from shared.messaging.relay import Relay
        from shared.messaging.rpc import RpcServer
        from shared.messaging.timers import Timers
        from shared.storage.database import new_engine

        name: str = self.container.service_name
        service = self.container.service_cls()
        uri, engine = amqp_uri(name), new_engine(database_url(name), LIMITS.pool_size)
        by_kind: dict[str, Any] = {}
        for handler in collect(self.container.service_cls):
            kind = "operation" if handler.operation else handler.kind
            by_kind.setdefault(kind, {})[handler.name] = handler
        operations = by_kind.get("operation", {})
        operations |= {h.name: h for h in handling.handlers(name)}
        user = _own_user(uri)
        consumers = by_kind.get("event", {})
        self.engine = engine
        self.relay = Relay(name, engine, uri, user)
        inbox = Inbox(service, engine)
        self.events = EventConsumer(name, uri, consumers | by_kind.get("record", {}), inbox, user is not None)
        callers = Callers(name, Keys(required("LIAISON_CALLER_KEYS_FILE")))
        self.rpc = RpcServer(service, name, uri, operations, consumers, engine, inbox.applied, callers, user)
        self.timers = Timers(service, name, engine, by_kind.get("timer", {}), storage.sweep)
        self.background = Background(service, engine, by_kind.get("background", {}))
        self.jobs = Runner(service, name, engine, operations)
        background = (self.background, self.jobs)
        self._parts = (self.relay, self.events, self.rpc, self.timers, *background)

    def start(self) -> None:
        for part in self._parts:
            part.start()

    def ready(self) -> dict[str, bool]:
        """What works at this moment."""
        return {"events": self.events.link.up, "rpc": self.rpc.requests.up, "replies": self.rpc.replies.up}

    def stop(self) -> None:
        """Drain: no new work, finish what runs within the deadline, send what is in the outbox, then disconnect."""
        if self._stopped:
            return
        self._stopped = True
        until = time.monotonic() + LIMITS.drain
        self.background.ending.set()
        draining: list[Any] = [self.events, self.rpc]
        self.drained = all([part.drain(until) for part in draining])
        self.timers.stop(min(until, time.monotonic() + 5))
        self.background.stop(until)
        self.jobs.stop(min(until, time.monotonic() + 5))
        self.relay.stop()
        for part in draining:
            part.close()
        self.engine.dispose()
        log.info(
            "drained" if self.drained else "drain deadline passed", extra={"service_name": self.container.service_name}
        )


class BusEntrypoint(Entrypoint):
    """Marks a method as an entrypoint for Nameko's container; the work is done by the shared Bus."""

    bus = Bus()

    def stop(self) -> None:
        self.bus.stop()


def _own_user(uri: str) -> str | None:
    """The broker's user of this service, which the broker vouches for on every message; None on a shared account."""
    if os.environ.get("LIAISON_SHARED_BROKER_ACCOUNT"):
        return None
    return unquote(urlsplit(uri).username or "") or None
