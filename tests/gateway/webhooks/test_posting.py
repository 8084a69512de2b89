"""One POST, whatever the other side does with it."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.webhooks.addresses import Guard, networks
from gateway.webhooks.posting import ANSWER_BYTES, Poster
from tests.gateway.webhooks.receiver import receiving
from tests.timing import soon

GUARD = Guard(networks("127.0.0.0/8"), lambda host, port: ["127.0.0.1"])


def test_it_arrives_as_it_was_given() -> None:
    with receiving() as receiver:
        answer = Poster(GUARD, 5).post(
            f"http://hooks.example:{receiver.port}/in?key=1", {"webhook-id": "m", "Content-Type": "a/b"}, "é".encode()
        )
    (got,) = receiver.got
    assert (answer.status, answer.error, answer.text) == (200, None, "thanks")
    assert (got.path, got.body, got.headers["host"]) == ("/in?key=1", "é".encode(), f"hooks.example:{receiver.port}")
    assert got.headers["webhook-id"] == "m" and got.headers["content-type"] == "a/b"


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, None), (204, None), (299, None), (301, "redirect_refused"), (307, "redirect_refused"), (400, "status_refused"),
     (410, "status_refused"), (500, "status_refused")],
)  # fmt: skip
def test_only_success_is_success_and_redirects_are_not_followed(status: int, error: str | None) -> None:
    with receiving() as target, receiving(lambda *_: (status, {"Location": f"{target.url}/x"}, b"")) as receiver:
        answer = Poster(GUARD, 5).post(receiver.url, {}, b"{}")
    assert (answer.status, answer.error) == (status, error)
    assert len(receiver.got) == 1 and not target.got


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [(429, "30", 30), (503, " 7 ", 7), (429, "-1", None), (429, "1e9", None), (429, "9" * 30, None), (500, "30", None),
     (503, "Wed, 21 Oct 2026 07:28:00 GMT", None)],
)  # fmt: skip
def test_how_long_to_wait_is_read_where_it_means_something(status: int, header: str, wait: float | None) -> None:
    with receiving(lambda *_: (status, {"Retry-After": header}, b"")) as receiver:
        assert Poster(GUARD, 5).post(receiver.url, {}, b"{}").retry_after == wait


def test_a_long_answer_is_read_in_part_and_kept_in_less() -> None:
    content = b"\x00\xff" + b"x" * (4 * ANSWER_BYTES)
    with receiving(lambda *_: (200, {}, content)) as receiver:
        answer = Poster(GUARD, 5).post(receiver.url, {}, b"{}")
    assert answer.error is None and len(answer.text) == 1024 and answer.text.startswith("\ufffd\ufffdx")


class Raw:
    """A server that says what it is told, byte by byte."""

    def __init__(self, *pieces: bytes, pause: float = 0.0) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.pieces, self.pause = pieces, pause
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connection = self.listener.accept()[0]
        with connection:
            connection.recv(65536)
            try:
                for piece in self.pieces:
                    connection.sendall(piece)
                    time.sleep(self.pause)
            except OSError:
                return

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()


SLOW = {
    "silence": [b""] * 100,
    "slow head": [b"HTTP/1.1 200 OK\r\nX: ", *[b"x"] * 100],
    "continue for ever": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 100,
    "slow body": [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 99],
    "body without end": [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 100],
}


@pytest.mark.parametrize("pieces", SLOW.values(), ids=SLOW)
def test_nothing_stretches_the_time_limit(pieces: list[bytes]) -> None:
    with Raw(*pieces, pause=0.1) as server:
        begun = time.monotonic()
        answer = soon(1.5, lambda: Poster(GUARD, 0.6).post(server.url, {}, b"{}"))
        assert answer.error == "timeout"
        assert time.monotonic() - begun > 0.5


@pytest.mark.parametrize(
    "content",
    [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
     b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000 + b"\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ids=["ssh", "status", "headers", "header", "chunk"],
)  # fmt: skip
def test_what_is_no_http_is_a_failure_with_a_name(content: bytes) -> None:
    with Raw(content) as server:
        assert Poster(GUARD, 2).post(server.url, {}, b"{}").error == "answer_invalid"


def test_nobody_there_and_hanging_up() -> None:
    with Raw() as server:
        assert Poster(GUARD, 2).post(server.url, {}, b"{}").error == "connection_failed"
    assert Poster(GUARD, 2).post(server.url, {}, b"{}").error == "connection_failed"


# -- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of hooks.example."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("hooks.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]
    )
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).add_extension(names, False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[tuple[int, list[str | None]]]:
    """A TLS server: its port, and the names that clients asked for."""
    context, asked = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []  # type: ignore[var-annotated]
    context.load_cert_chain(certificate)
    context.sni_callback = lambda connection, name, _: asked.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                raw = listener.accept()[0]
            except OSError:
                return
            try:
                with context.wrap_socket(raw, server_side=True) as connection:
                    while not connection.recv(65536).endswith(b"{}"):
                        pass
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            except OSError:
                continue

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1], asked
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_the_name_of_the_url_is_asked_for_and_verified(certificate: Path, secure: tuple[int, list[str | None]]) -> None:
    port, asked = secure
    trusting = ssl.create_default_context(cafile=str(certificate))
    poster = Poster(GUARD, 5, trusting)
    assert poster.post(f"https://hooks.example:{port}/", {}, b"{}").text == "ok"
    assert poster.post(f"https://other.example:{port}/", {}, b"{}").error == "tls_failed"
    assert asked == ["hooks.example", "other.example"]


def test_an_unknown_certificate_is_refused(secure: tuple[int, list[str | None]]) -> None:
    assert Poster(GUARD, 5).post(f"https://hooks.example:{secure[0]}/", {}, b"{}").error == "tls_failed"


def test_a_handshake_that_never_ends_is_cut_off() -> None:
    with Raw(*[b"\x16"] * 50, pause=0.1) as server:
        answer = soon(1.5, lambda: Poster(GUARD, 0.6).post(server.url.replace("http:", "https:"), {}, b"{}"))
        assert answer.error in ("timeout", "tls_failed")
