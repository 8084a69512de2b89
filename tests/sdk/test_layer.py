"""The thin layer of the Python client, against a server that refuses on purpose."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.python import webhooks
from deploy.python.retrying import KEY, Retries, Retrying
from gateway.webhooks import signing

QUICK = Retries(attempts=4, first=0.01, longest=1.0)


class Refusing(ThreadingHTTPServer):
    """Answers what it was told, one answer after the other, and keeps what was asked; "cut" closes the connection."""

    daemon_threads = True
    answers: list[Any]
    asked: list[tuple[str, str | None, bytes]]


class Handler(BaseHTTPRequestHandler):
    server: Refusing

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.path, self.headers.get(KEY), body))
        answer = self.server.answers.pop(0)
        if answer == "cut":
            self.close_connection = True
            return
        status, headers = answer
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Refusing]:
    made = Refusing(("127.0.0.1", 0), Handler)
    made.answers, made.asked = [], []
    Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def ask(server: Refusing, method: str, path: str, *answers: Any, **more: Any) -> httpx.Response:
    server.answers[:] = answers
    with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", transport=Retrying(QUICK)) as client:
        return client.request(method, path, **more)


def test_a_change_is_repeated_with_the_same_key(server: Refusing) -> None:
    """After 503, 429, 409 while it runs, and a lost connection; the body is the same, too."""
    refused = [(503, {"Retry-After": "0"}), "cut", (409, {"Retry-After": "0"}), (201, {})]
    assert ask(server, "POST", "/v1/orders", *refused, json={"n": 1}).status_code == 201
    assert len(server.asked) == 4 and len(set(server.asked)) == 1
    (_, key, body), *_ = server.asked
    assert key and 16 <= len(key) <= 255 and json.loads(body) == {"n": 1}


def test_a_key_of_the_caller_stays(server: Refusing) -> None:
    key = str(uuid4())
    assert ask(server, "POST", "/v1/orders", (504, {}), (200, {}), headers={KEY: key}).status_code == 200
    assert {asked[1] for asked in server.asked} == {key}


def test_two_changes_have_two_keys(server: Refusing) -> None:
    for _ in range(2):
        ask(server, "POST", "/v1/orders", (201, {}))
    assert len({asked[1] for asked in server.asked}) == 2


@pytest.mark.parametrize(("status", "headers"), [(409, {}), (422, {}), (500, {}), (200, {}), (503, {"Retry-After": "60"})])
def test_what_repeating_cannot_help_is_not_repeated(server: Refusing, status: int, headers: dict[str, str]) -> None:
    assert ask(server, "POST", "/v1/orders", (status, headers)).status_code == status
    assert len(server.asked) == 1


def test_retry_after_is_waited_for(server: Refusing) -> None:
    began = datetime.now(UTC)
    assert ask(server, "GET", "/v1/orders", (429, {"Retry-After": "1"}), (200, {})).status_code == 200
    assert datetime.now(UTC) - began >= timedelta(seconds=1) and server.asked[0][1] is None


def test_attempts_are_bounded(server: Refusing) -> None:
    assert ask(server, "GET", "/v1/orders", *[(503, {})] * 4).status_code == 503
    assert len(server.asked) == 4


def test_what_keeps_no_key_is_not_repeated_when_it_may_have_been_carried_out(server: Refusing) -> None:
    """A refresh token that is used twice ends the session."""
    with pytest.raises(httpx.TransportError):
        ask(server, "POST", "/v1/auth/token", "cut", (200, {}))
    assert ask(server, "POST", "/v1/auth/token", (504, {}), (200, {})).status_code == 504
    assert ask(server, "POST", "/v1/auth/token", (429, {}), (200, {})).status_code == 200
    assert {asked[1] for asked in server.asked} == {None}


def test_the_same_holds_without_blocking(server: Refusing) -> None:
    async def main() -> int:
        address = f"http://127.0.0.1:{server.server_port}"
        async with httpx.AsyncClient(base_url=address, transport=Retrying(QUICK)) as client:
            return (await client.post("/v1/orders", json={})).status_code

    server.answers[:] = [(503, {}), "cut", (201, {})]
    assert asyncio.run(main()) == 201
    assert len(server.asked) == 3 and len(set(server.asked)) == 1


def test_a_webhook_of_the_gateway_is_verified() -> None:
    """While secrets are rotated it carries two signatures; one that fits is enough."""
    old, new, body, now = signing.new_secret(), signing.new_secret(), b'{"type": "x"}', datetime.now(UTC)
    headers = signing.headers("01a0", now, body, [new, old])
    for secret in (old, new):
        assert webhooks.verify(body, {name.title(): value for name, value in headers.items()}, secret) == {"type": "x"}
    late = now.timestamp() + webhooks.TOLERANCE + 2
    forged = [(body + b" ", headers, new, None), (body, headers, signing.new_secret(), None), (body, headers, new, late)]
    forged += [(body, headers | {"webhook-id": "01a1"}, new, None), (body, {}, new, None)]
    forged += [(body, {**headers, "webhook-signature": ""}, new, None)]
    for content, given, secret, at in forged:
        with pytest.raises(webhooks.InvalidSignature):
            webhooks.verify(content, given, secret, at)
