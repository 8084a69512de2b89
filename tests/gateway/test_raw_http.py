"""Bytes that no honest client sends, over raw sockets: one answer at most, and the connection is closed."""

import contextlib
import re
import socket
import time

import pytest

from tests.gateway.conftest import Process
from tests.timing import soon

_POST = b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

MALFORMED = {
    "two Content-Lengths": _POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + _SMUGGLED,
    "two equal Content-Lengths": _POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of Content-Lengths": _POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "CL and TE": _POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "TE and CL": _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "xchunked": _POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "chunked, identity": _POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "gzip, chunked": _POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two Transfer-Encodings": _POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": _CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "vertical tab": _POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "space before colon": _POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"GET /livez HTTP/1.1\nHost: x\n\n",
    "bare LF in a header": b"GET /livez HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "bare CR in a header": b"GET /livez HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "folded header": b"GET /livez HTTP/1.1\r\nHost: x\r\nX: y\r\n z\r\n\r\n",
    "NUL in a header": b"GET /livez HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "space in a name": b"GET /livez HTTP/1.1\r\nHost: x\r\nX y: z\r\n\r\n",
    "no colon": b"GET /livez HTTP/1.1\r\nHost: x\r\nXyz\r\n\r\n",
    "negative length": _POST + b"Content-Length: -2\r\n\r\n{}",
    "signed length": _POST + b"Content-Length: +2\r\n\r\n{}",
    "hexadecimal length": _POST + b"Content-Length: 0x2\r\n\r\n{}",
    "huge length": _POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "no Host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "absolute URL": b"GET http://evil.example/livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/2.0": b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "unknown method": b"FOO /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "control character in the URL": b"GET /livez\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "UTF-8 in the URL": "GET /é HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "upgrade with a body": _POST + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}" + _SMUGGLED,
    "bad chunk size": _CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "negative chunk": _CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "hexadecimal prefix": _CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "chunk with bare LF": _CHUNKED + b"2\n{}\n0\n\n",
    "chunk longer than said": _CHUNKED + b"2\r\n{}XX0\r\n\r\n",
    "trailer": _CHUNKED + b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
    "Content-Length as trailer": _CHUNKED + b"2\r\n{}\r\n0\r\nContent-Length: 40\r\n\r\n" + _SMUGGLED,
}


def talk(gateway: Process, raw: bytes, wait: float = 3.0) -> tuple[list[int], bytes, bool]:
    """Send bytes; returns the statuses of all answers, all that came, and whether the connection was closed."""
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.settimeout(wait)
        came = b""
        try:
            connection.sendall(raw)
            while data := connection.recv(65_536):
                came += data
            closed = True
        except TimeoutError:
            closed = False
        except ConnectionError:
            closed = True
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3})", came)]
    return statuses, came, closed


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed(gateway: Process, raw: bytes) -> None:
    statuses, came, closed = talk(gateway, raw)
    assert statuses == [400] and closed
    assert b"application/problem+json" in came and b"smuggled" not in came


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000, 431),
        (b"\r\n" * 50_000, 431),
    ],
    ids=["URL", "one header", "a hundred headers", "an endless header", "empty lines"],
)
def test_too_long(gateway: Process, raw: bytes, status: int) -> None:
    statuses, _, closed = talk(gateway, raw)
    assert statuses == [status] and closed


def test_honest_pipelining(gateway: Process) -> None:
    request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert talk(gateway, request * 4 + last)[0::2] == ([200] * 5, True)


def test_garbage_behind_a_good_request(gateway: Process) -> None:
    statuses, _, closed = talk(gateway, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\n")
    assert closed and len(statuses) <= 2 and statuses[0] == 200


def test_an_offer_to_upgrade_is_not_taken(gateway: Process) -> None:
    raw = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"
    assert talk(gateway, raw + _SMUGGLED)[0::2] == ([200], True)


def test_an_answer_before_the_body_was_read(gateway: Process) -> None:
    """401 without reading: the answer arrives, the rest of the body is not taken for a request, the connection ends."""
    head = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 300000\r\n\r\n"
    statuses, _, closed = talk(gateway, head + b"x" * 200_000 + _SMUGGLED)
    assert statuses == [401] and closed


def test_a_bad_chunk_after_the_answer(gateway: Process) -> None:
    head = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.settimeout(3)
        connection.sendall(head)
        came = connection.recv(65_536)
        with contextlib.suppress(ConnectionError):  # it may be closed already, which is as good
            connection.sendall(b"zz\r\n" + _SMUGGLED)
            while data := connection.recv(65_536):
                came += data
    assert re.findall(rb"HTTP/1\.1 ([0-9]{3})", came) == [b"401"]


def test_expect_100_continue(gateway: Process) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.settimeout(3)
        connection.sendall(_POST + b"Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(b"{}")
        assert connection.recv(1000).startswith(b"HTTP/1.1 422")


def test_slow_heads_are_cut_and_harm_nobody(gateway: Process) -> None:
    """Two hundred connections that send one byte a second, and idle ones; others are served meanwhile."""
    begun = time.monotonic()
    slow = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(200)]
    idle = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(20)]
    head = iter(b"GET /livez HTTP/1.1\r\nHost: xxxxxxxxx")
    for connection in [*slow, *idle]:
        connection.setblocking(False)
    while time.monotonic() - begun < 9:
        letter = bytes([next(head)])
        for connection in slow:
            connection.send(letter)
        asking = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert soon(0.5, lambda: talk(gateway, asking))[0] == [200]  # noqa: B023 - called at once
        time.sleep(1)
    time.sleep(max(0.0, begun + 11.5 - time.monotonic()))
    assert all(_is_closed(connection) for connection in [*slow, *idle])
    for connection in [*slow, *idle]:
        connection.close()


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
