"""D9: what pages of other origins may do, and in which form answers go over the wire."""

import gzip
import json
import socket
from typing import Any

import httpx
import pytest

from gateway.http import contract
from gateway.http.compressing import LEAST_BYTES, compressed
from gateway.http.incoming import Incoming
from shared.contracts import operations
from tests.gateway.conftest import ADMIN, Process, sign_in
from tests.gateway.test_forwarding import ORDER

SHOP = "https://shop.example"


@pytest.fixture
def open_gateway(own_gateway: Process) -> Process:
    own_gateway.env["LIAISON_CORS_ORIGINS"] = f"{SHOP}, https://other.example"
    return own_gateway.start()


def test_origins_of_the_setting_may_read_answers_but_never_with_credentials(open_gateway: Process) -> None:
    """D9: an answer, a refusal and the question before a request; any other origin is told nothing."""
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}
    with sign_in(open_gateway.url, *ADMIN) as client:
        may = [
            client.get("/v1/me", headers={"Origin": SHOP}),
            client.get("/v1/nothing", headers={"Origin": SHOP}),
            client.options(ORDER, headers={"Origin": SHOP, **asked}),
        ]
        assert [answer.status_code for answer in may] == [200, 404, 204]
        for answer in may:
            assert answer.headers["access-control-allow-origin"] == SHOP and "origin" in answer.headers["vary"]
            assert "access-control-allow-credentials" not in answer.headers
            assert "x-event-id" in answer.headers["access-control-expose-headers"]
        assert "PATCH" in may[2].headers["access-control-allow-methods"]
        assert {"authorization", "if-match", "idempotency-key"} <= set(
            may[2].headers["access-control-allow-headers"].split(", ")
        )
        for origin in ("https://evil.example", "null", f"{SHOP}.evil.example", "http://shop.example"):
            refused = client.options(ORDER, headers={"Origin": origin, **asked})
            assert refused.status_code == 405 and "origin" in refused.headers["vary"]
            for answer in (refused, client.get("/v1/me", headers={"Origin": origin})):
                assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("origin", "seen"),
    [(None, {"state": "x"}), ("https://api.example", {"state": "x"}), (SHOP, {}), ("null", {}), ("https://api.example:8443", {})],
)  # fmt: skip
def test_a_cookie_from_another_origin_is_not_looked_at(origin: str | None, seen: dict[str, str]) -> None:
    """D9: whatever it was meant for."""
    headers = [(b"host", b"api.example"), (b"cookie", b"state=x")]
    request = _incoming([*headers, (b"origin", origin.encode())] if origin else headers)
    assert request.cookies == seen and (request.field(b"cookie") is not None) == bool(seen)


def _incoming(headers: list[tuple[bytes, bytes]]) -> Incoming:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    return Incoming(scope, None, None)  # type: ignore[arg-type]


def test_long_answers_are_compressed_and_short_ones_are_not(admin: httpx.Client, gateway: Process) -> None:
    """D9: for whoever takes gzip; the entity tag stays the version."""
    rows = {"data": [{"name": f"lamp {n}", "note": "é" * 20} for n in range(200)]}
    behave = {"result": rows, "headers": {"liaison.etag": "7"}}
    plain = _told(admin, "identity", **behave)
    answer = _told(admin, "br, gzip;q=0.5", **behave)
    assert answer.json() == plain.json() == rows
    assert answer.headers["content-encoding"] == "gzip" and "accept-encoding" in answer.headers["vary"].lower()
    assert int(answer.headers["content-length"]) < len(plain.content) / 5
    assert answer.headers["etag"] == plain.headers["etag"] == '"7"'
    for given in ("identity", "gzip;q=0", "deflate", "", "*;q=0"):
        assert "content-encoding" not in _told(admin, given, **behave).headers
    short = _told(admin, "gzip", result={"data": "x" * (LEAST_BYTES - 100)})
    assert "content-encoding" not in short.headers
    with socket.create_connection(("127.0.0.1", gateway.port)) as raw:
        raw.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
        sent = b"".join(iter(lambda: raw.recv(65536), b""))
    assert json.loads(gzip.decompress(sent.partition(b"\r\n\r\n")[2]))["openapi"] == "3.1.0"


def _told(client: httpx.Client, codings: str, **behave: Any) -> httpx.Response:
    return client.post("/v1/orders", json={"behave": behave}, headers={"Accept-Encoding": codings})


def test_what_hands_out_secrets_is_never_compressed() -> None:
    """D9: BREACH needs a secret beside text of the attacker's in one compressed answer."""
    from starlette.responses import Response

    kept = {"sign_in", "return_from_oidc", "create_stream_ticket", "create_api_key", "create_webhook"}
    kept |= {"create_event_subscription"}
    declared = {**operations()["gateway"], **contract.OPERATIONS}
    assert kept <= set(declared)
    for name, operation in declared.items():
        request, response = _incoming([(b"accept-encoding", b"gzip")]), Response(b"x" * 9999)
        request.operation = operation
        as_it_is = compressed(request, response) is response
        assert as_it_is or name not in kept, name
    request.operation = declared["me"]
    assert compressed(request, response) is not response
