"""Ports are free, different from each other, and the same at the next start."""

import socket
from pathlib import Path

import pytest

from deploy.local.console import Stop
from deploy.local.ports import FIRST, LAST, Ports, first_free, http_port, is_free, is_open


def listener(port: int = 0) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def test_chosen_once(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    chosen = [ports.get(name) for name in ("a", "b", "c")]
    assert len(set(chosen)) == 3
    assert all(FIRST <= port <= LAST for port in chosen)
    assert [Ports(tmp_path / "ports.json").get(name) for name in ("a", "b", "c")] == chosen


def test_a_stranger_on_the_port_moves_us(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    first = ports.get("a")
    with listener(first):
        assert ports.get("a", in_use_by_us=True) == first
        moved = ports.get("a")
    assert moved != first
    assert ports.get("a") == moved


def test_two_folders_begin_elsewhere(tmp_path: Path) -> None:
    assert Ports(tmp_path / "one.json").get("a") != Ports(tmp_path / "two.json").get("a")


def test_looking() -> None:
    with listener() as server:
        port = server.getsockname()[1]
        assert is_open(port) and not is_free(port)
        assert first_free(port) > port
    assert not is_open(port)


def test_a_port_that_somebody_asked_for_is_had_or_refused() -> None:
    """D9: whoever names a port has told others of it; another one would be no help."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(Stop, match=f"LIAISON_HTTP_PORT={port}: the port is taken") as refused:
            http_port(str(port))
        assert "\n" not in str(refused.value)
    assert http_port(str(port)) == port


@pytest.mark.parametrize("asked", ["0", "65536", "http", "8080 ", "-1", "80.5", "٨٠٨٠"])
def test_what_is_no_port_is_said(asked: str) -> None:
    with pytest.raises(Stop, match="1 to 65535"):
        http_port(asked)


@pytest.mark.parametrize("asked", [None, ""])
def test_without_a_wish_a_free_port_is_found(asked: str | None) -> None:
    assert is_free(http_port(asked))
