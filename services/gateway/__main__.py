"""`python -m gateway`: serve until SIGTERM, then finish what runs and end with 0."""

import asyncio
import contextlib
import logging
import resource
import signal
import socket
from collections.abc import Iterator

import uvicorn
import uvloop

from gateway.edge import takeover
from gateway.edge.app import Gateway
from gateway.edge.settings import Settings, from_environment
from gateway.http.connections import PerAddress
from gateway.http.protocol import StrictProtocol
from gateway.identity import operator
from shared.ops import logs

KEEP_ALIVE_SECONDS = 30


class Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would end the process by the signal instead of with 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings) -> None:
    """Readiness goes first, so that a load balancer looks elsewhere; then no new connections; then the rest ends."""
    gateway = Gateway(settings)
    server = Server(_configuration(settings, gateway))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listeners = _listeners(settings)
    serving = asyncio.create_task(server.serve(listeners), name="http server")
    stopping = asyncio.create_task(stop.wait(), name="stop signal")
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        gateway.health.draining = True
        gateway.streams.hub.close()
        await asyncio.gather(*map(takeover.give_away, listeners), asyncio.sleep(settings.drain))
        server.should_exit = True
    stopping.cancel()
    await serving


def _configuration(settings: Settings, gateway: Gateway) -> uvicorn.Config:
    return uvicorn.Config(
        gateway.app,
        http=StrictProtocol,
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.stop_within - settings.drain),
    )


def _listeners(settings: Settings) -> list[socket.socket]:
    """The public address, and the health port that every process of Liaison has.

    Shared (SO_REUSEPORT), so that the next edge can take connections before this one stops: a restart without a gap.
    """
    ports = [settings.port, *([settings.health_port] if settings.health_port else [])]
    hosts = [settings.host, "127.0.0.1"]
    found = [
        socket.create_server(address, backlog=2048, reuse_port=True) for address in zip(hosts, ports, strict=False)
    ]
    for listener in found:
        takeover.share(listener)
    return found


def _raise_limits() -> None:
    """As many open files as we may have: each connection is one, and 1024 is what many systems begin with."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    settings = from_environment()
    logs.configure(settings.process)
    for chatty in ("uvicorn.error", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    _raise_limits()
    StrictProtocol.per_address = PerAddress(settings.connections_per_address, settings.trusted_proxies)
    operator.ensure_administrator(settings.database_url)
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
