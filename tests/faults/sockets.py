"""Rows 48 and 49: HTTP that two parsers could read differently, and clients that never come to the point."""

import socket
import threading
import time
from urllib.parse import urlsplit

from tests.faults.client import Client
from tests.faults.gates import Trial, gate
from tests.faults.rig import read_all, until

_MANY = b"".join(b"X%d: y\r\n" % n for n in range(500))
_SMUGGLED = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def smuggling() -> dict[str, bytes]:
    """Requests that two parsers could read differently; the second one inside must never be answered."""
    head = b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    chunked = b"0\r\n\r\n" + _SMUGGLED
    return {
        "CL and TE": head + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked,
        "TE and CL": head + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunked,
        "TE xchunked": head + b"Transfer-Encoding: xchunked\r\n\r\n" + chunked,
        "TE chunked twice": head + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunked,
        "TE list": head + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked,
        "TE with tab": head + b"Transfer-Encoding:\tchunked\x0b\r\n\r\n" + chunked,
        "TE with space before colon": head + b"Transfer-Encoding : chunked\r\n\r\n" + chunked,
        "TE on HTTP/1.0": head.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
        "two lengths": head + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + _SMUGGLED,
        "two equal lengths": head + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + _SMUGGLED,
        "length list": head + b"Content-Length: 2, 2\r\n\r\n{}" + _SMUGGLED,
        "negative length": head + b"Content-Length: -1\r\n\r\n{}" + _SMUGGLED,
        "plus length": head + b"Content-Length: +2\r\n\r\n{}" + _SMUGGLED,
        "hex length": head + b"Content-Length: 0x2\r\n\r\n{}" + _SMUGGLED,
        "huge length": head + b"Content-Length: 99999999999999999999\r\n\r\n{}" + _SMUGGLED,
        "bad chunk size": head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + _SMUGGLED,
        "negative chunk": head + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n" + _SMUGGLED,
        "chunk overflow": head + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n{}\r\n0\r\n\r\n" + _SMUGGLED,
        "chunk longer than said": head + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}xx\r\n0\r\n\r\n" + _SMUGGLED,
        "trailer": head + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n" + _SMUGGLED,
        "bare LF": head.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}" + _SMUGGLED,
        "bare CR": head + b"X: a\rContent-Length: 50\r\n\r\n" + _SMUGGLED,
        "folded header": head + b"X: a\r\n Content-Length: 50\r\n\r\n" + _SMUGGLED,
        "NUL in header": head + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}" + _SMUGGLED,
        "no host": b"GET /livez HTTP/1.1\r\n\r\n" + _SMUGGLED,
        "two hosts": b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + _SMUGGLED,
        "absolute form": b"GET http://evil/livez HTTP/1.1\r\nHost: a\r\n\r\n" + _SMUGGLED,
        "space in target": b"GET /livez /readyz HTTP/1.1\r\nHost: a\r\n\r\n" + _SMUGGLED,
        "HTTP/0.9": b"GET /livez\r\n",
        "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60,
        "garbage": b"\x00\x01\x02\x03\r\n\r\n" + _SMUGGLED,
        "long header": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n" + _SMUGGLED,
        "long target": b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n" + _SMUGGLED,
        "many headers": b"GET /livez HTTP/1.1\r\nHost: a\r\n" + _MANY + b"\r\n" + _SMUGGLED,
        "CONNECT": b"CONNECT evil:443 HTTP/1.1\r\nHost: evil\r\n\r\n" + _SMUGGLED,
        "h2c upgrade with a body": head + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\n{}" + _SMUGGLED,
    }  # fmt: skip


@gate(48, "request smuggling and malformed HTTP")
def smuggle(trial: Trial) -> None:
    trial.nobody_may_exit()
    for name, request in smuggling().items():
        for pieces in (1, 7):
            answer, closed = _exchange(trial, request, pieces)
            count = answer.count(b"HTTP/1.1 ")
            status = answer[9:12].decode("latin-1")
            trial.result.expect(count <= 1, f"{name}: {count} answers to one request")
            refused = status == "" or status[0] == "4" or status == "501"
            trial.result.expect(refused and b"alive" not in answer, f"{name}: answered {status}")
            trial.result.expect(closed, f"{name}: the connection stays open")
    trial.result.figures["requests"] = 2 * len(smuggling())
    with socket.create_connection(_address(trial)) as honest:
        honest.sendall(_SMUGGLED + _SMUGGLED.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        trial.result.expect(read_all(honest, 5).count(b"HTTP/1.1 200") == 2, "honest pipelining is not answered")


def _exchange(trial: Trial, request: bytes, pieces: int) -> tuple[bytes, bool]:
    """Send a request in so many pieces; what came back, and whether the connection was closed."""
    with socket.create_connection(_address(trial)) as opened:
        size = len(request) // pieces + 1
        try:
            for start in range(0, len(request), size):
                opened.sendall(request[start : start + size])
                time.sleep(0.005 if pieces > 1 else 0)
        except OSError:
            pass
        answer = read_all(opened, 4)
        opened.settimeout(12)
        try:
            return answer, opened.recv(1) == b""
        except ConnectionResetError:
            return answer, True
        except TimeoutError:
            return answer, False


@gate(49, "slow clients hold connections open")
def slowloris(trial: Trial) -> None:
    """Heads and bodies that trickle: others are served as before, and the slow ones are cut off."""
    count, work = (40 if trial.short else 300), trial.work()
    client = work.client()
    trial.nobody_may_exit()
    alone = _p95(client)
    body = b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    slow = [_Slow(trial, b"GET /livez HTTP/1.1\r\nX-Slow: ") for _ in range(count)]
    slow += [_Slow(trial, b"") for _ in range(count // 4)]
    slow_bodies = [] if trial.short else [_Slow(trial, body) for _ in range(count // 4)]
    ending = threading.Event()
    feeder = threading.Thread(target=_trickle, args=(slow + slow_bodies, ending))
    feeder.start()
    try:
        beside = _p95(client)
        heads = until(
            lambda: all(s.ended for s in slow) and max(s.ended - s.began for s in slow), 20, "slow heads cut off"
        )
        trial.result.figures["heads_cut_s"] = heads
        if slow_bodies:
            cut = until(
                lambda: all(s.ended for s in slow_bodies) and max(s.ended - s.began for s in slow_bodies), 60, "bodies"
            )
            trial.result.figures["bodies_cut_s"] = cut
    finally:
        ending.set()
        feeder.join()
        client.close()
    trial.result.figures |= {"sockets": len(slow) + len(slow_bodies), "p95_alone_s": alone, "p95_beside_s": beside}
    trial.result.expect(beside < 2 * alone + 0.1, f"others wait {beside:.3f} s instead of {alone:.3f} s")
    trial.result.expect(heads < 13, f"slow heads were cut off after {heads:.0f} s")


class _Slow:
    """A connection that sends a byte per second."""

    def __init__(self, trial: Trial, start: bytes) -> None:
        self.socket = socket.create_connection(_address(trial))
        self.began, self.ended = time.monotonic(), 0.0
        self.silent = not start
        self.socket.sendall(start)
        self.socket.setblocking(False)

    def feed(self) -> None:
        if self.ended:
            return
        try:
            if not self.silent:
                self.socket.send(b"x")
            while self.socket.recv(4096):
                continue
            self._end()
        except BlockingIOError:
            return
        except OSError:
            self._end()

    def _end(self) -> None:
        self.ended = time.monotonic()
        self.socket.close()


def _trickle(slow: list[_Slow], ending: threading.Event) -> None:
    while not ending.wait(1.0):
        for one in slow:
            one.feed()
    for one in slow:
        one.socket.close()


def _p95(client: Client) -> float:
    times = sorted(client.once("GET", "/v1/orders?limit=1").seconds for _ in range(100))
    return times[94]


def _address(trial: Trial) -> tuple[str, int]:
    place = urlsplit(trial.rig.suite.base_url)
    return (place.hostname or "", place.port or 0)
