"""Runs one service, or several in one process: `python -m shared.ops.serve crm_sales erp_finance`.

Nameko's own `run` neither drains on SIGTERM nor survives a handler's surprises, so the process is ours: it ends with 0
after draining, with 1 when the deadline passed, and otherwise not at all.
"""

import warnings

# Nameko and eventlet are in maintenance, which README.md says once; every process need not repeat it.
warnings.filterwarnings("ignore", message="\\s*Eventlet is deprecated")

import eventlet  # noqa: E402

eventlet.monkey_patch()

import contextlib  # noqa: E402
import gc  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from typing import Any  # noqa: E402

from nameko.containers import ServiceContainer  # noqa: E402
from nameko.extensions import register_entrypoint  # noqa: E402
from sqlalchemy import text  # noqa: E402

from shared.api.handlers import service_class  # noqa: E402
from shared.flows.bus import Bus, BusEntrypoint  # noqa: E402
from shared.kernel.settings import LIMITS  # noqa: E402
from shared.ops import logs  # noqa: E402
from shared.ops.health import Health  # noqa: E402

log = logging.getLogger("shared.ops.serve")


class Process:
    """The containers of this process, their health and their end."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.containers = [ServiceContainer(_on_the_bus(service_class(name)), {}) for name in names]
        self.health = Health(self.checks)
        self._end = threading.Event()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; returns the exit code."""
        signal.signal(signal.SIGTERM, lambda *_: self._end.set())
        signal.signal(signal.SIGINT, lambda *_: self._end.set())
        for container in self.containers:
            container.start()
        self.health.start(int(os.environ.get("LIAISON_HEALTH_PORT", "0")))
        log.info("started", extra={"services": self.names})
        while not self._end.wait(1.0):
            pass
        return self._drain()

    def checks(self) -> dict[str, bool]:
        """Database, links and consumers of every service here."""
        found: dict[str, bool] = {}
        for name, container in zip(self.names, self.containers, strict=True):
            bus = _bus(container)
            found |= {f"{name}.{check}": up for check, up in bus.ready().items()}
            found[f"{name}.database"] = _database_answers(bus)
        return found

    def _drain(self) -> int:
        self.health.stopping = True
        log.info("stopping", extra={"services": self.names})
        with eventlet.Timeout(LIMITS.drain + 8, False):
            for stopping in [eventlet.spawn(container.stop) for container in self.containers]:
                stopping.wait()
            if all(_bus(container).drained for container in self.containers):
                log.info("stopped", extra={"services": self.names})
                return 0
        log.error("stopped hard: the deadline passed; everything unfinished is delivered again")
        return 1


def _on_the_bus(service_cls: type) -> type:
    """Nameko starts what it finds entrypoints for; a service of declared resources alone would have none."""

    def serve(self: object) -> None:
        """Never called: the bus does the work."""

    register_entrypoint(serve, BusEntrypoint())
    service_cls.serve = serve  # type: ignore[attr-defined]
    return service_cls


def _bus(container: ServiceContainer) -> Bus:
    bus: Bus = container.shared_extensions[Bus]
    return bus


def _database_answers(bus: Bus) -> bool:
    try:
        with eventlet.Timeout(2), bus.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            return True
    except (Exception, eventlet.Timeout):
        return False


def _log_what_greenlets_raise() -> None:
    """eventlet would print each such exception as a raw traceback."""
    hub: Any = eventlet.hubs.get_hub()

    def drop(descriptor: int, thrown: Any) -> None:
        logs.unhandled(*thrown)
        with contextlib.suppress(Exception):
            hub.remove_descriptor(descriptor)

    hub.squelch_exception = drop
    hub.squelch_timer_exception = lambda _timer, thrown: logs.unhandled(*thrown)
    hub.squelch_generic_exception = lambda thrown: logs.unhandled(*thrown)


def main() -> Any:
    """Entry point; the arguments are service names."""
    names = sys.argv[1:]
    if not names:
        raise SystemExit("usage: python -m shared.ops.serve <service> [<service> ...]")
    logs.configure(os.environ.get("LIAISON_PROCESS_NAME", "+".join(names)))
    _log_what_greenlets_raise()
    process = Process(names)
    # What is loaded by now lives as long as the process: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    code = process.run()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
