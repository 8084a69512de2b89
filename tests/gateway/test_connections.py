"""A9: what one connection, and all from one address, may take; and what is told on the health port only."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from gateway.http import connections
from gateway.http.connections import PerAddress
from gateway.http.protocol import StrictProtocol
from tests.gateway.conftest import Process, until
from tests.ports import free_port

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 16 * 1024 * 1024


def test_metrics_are_told_on_the_health_port_only(gateway: Process) -> None:
    """A9: there, in a thread; at the public address they do not exist."""
    answer = httpx.get(f"{gateway.url}/metrics")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    found = httpx.get(f"http://127.0.0.1:{gateway.env['LIAISON_HEALTH_PORT']}/metrics")
    assert found.status_code == 200 and "http_server_request_duration_seconds" in found.text
    for path in ("/livez", "/readyz"):
        assert httpx.get(gateway.url + path).status_code == 200


def test_connections_of_one_address_are_bounded(own_gateway: Process) -> None:
    """A9: the next one is told so and closed; when one has gone there is room again."""
    own_gateway.env["LIAISON_CONNECTIONS_PER_ADDRESS"] = "5"
    own_gateway.start()
    with contextlib.ExitStack() as opened:
        for connection in _open(own_gateway, 5):
            opened.enter_context(connection)
        time.sleep(0.1)
        with socket.create_connection(("127.0.0.1", own_gateway.port), timeout=5) as more:
            told = more.recv(4096)
        assert told.startswith(b"HTTP/1.1 429 ") and b"too_many_connections" in told
    until(lambda: httpx.get(f"{own_gateway.url}/livez").status_code == 200, 5)


def _open(gateway: Process, number: int) -> list[socket.socket]:
    return [socket.create_connection(("127.0.0.1", gateway.port), timeout=5) for _ in range(number)]


def test_addresses_are_counted_as_they_are_given_out() -> None:
    """A9: an IPv6 host has a whole /64; a proxy that speaks for others is not bounded; what is closed counts no more."""
    counted = PerAddress(1, "10.0.0.0/8")
    assert counted.enter("192.0.2.1") and not counted.enter("192.0.2.1") and counted.enter("192.0.2.2")
    assert counted.enter("2001:db8::1") and not counted.enter("2001:db8::2") and counted.enter("2001:db8:0:1::1")
    assert counted.enter("10.1.2.3") and counted.enter("10.1.2.3")
    counted.leave("192.0.2.1")
    assert counted.enter("192.0.2.1")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server with our protocol that answers everything with sixteen megabytes, and looks after slow clients often."""
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.3)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * LARGE})

    port = free_port()
    config = uvicorn.Config(app, port=port, http=StrictProtocol, ws="none", lifespan="off", log_config=None)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    until(lambda: running.started)
    yield port
    running.should_exit = running.force_exit = True
    thread.join()


def _ended(connection: socket.socket) -> bool:
    """Whether the other side has reset it; looks, but reads nothing."""
    look = select.poll()
    look.register(connection, 0)
    return any(event & select.POLLERR for _, event in look.poll(0))


def test_a_client_that_does_not_read_is_cut(server: int) -> None:
    """A9: whether it asked to close or not; one that reads slowly, but reads, gets everything."""
    with socket.create_connection(("127.0.0.1", server), timeout=10) as silent:
        silent.sendall(HEAD)
        with socket.create_connection(("127.0.0.1", server), timeout=10) as slow:
            slow.sendall(HEAD)
            got = 0
            while got < LARGE:
                got += len(slow.recv(1024 * 1024))
                time.sleep(0.02)
        until(lambda: _ended(silent))
        with pytest.raises(ConnectionResetError):
            while silent.recv(1024 * 1024):
                pass
