"""One call through a real gateway and a real broker, with an echo in the place of the service."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.api.caller import Callers
from shared.kernel import ids
from shared.kernel.context import Context
from shared.kernel.refusals import Unauthenticated
from shared.kernel.signing import Keys
from tests.gateway.conftest import Process
from tests.timing import soon

ORDER = "/v1/orders/01900000-0000-7000-8000-0000000000aa"
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
LAMPS = {"customer_id": ORDER[-36:], "lines": [{"product_id": ORDER[-36:], "quantity": "2"}]}


def told(client: httpx.Client, **behave: Any) -> httpx.Response:
    """A list of orders whose service behaves as told."""
    return client.get("/v1/orders", params={"q": json.dumps(behave)})


def seen(answer: httpx.Response) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the service saw of a call: keyword arguments, and the headers that begin with `nameko.`."""
    assert answer.status_code == 200, answer.text
    found = answer.json()
    headers = {k.removeprefix("nameko."): v for k, v in found["headers"].items()}
    assert found["call"]["args"] == []
    return found["call"]["kwargs"], headers


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"], body["status"]) == (status, code, status), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def told_about_caller(keys: Keys, headers: dict[str, Any]) -> Context:
    """What the service learns from the statement beside a call."""
    context = Context()
    Callers("crm_sales", keys).introduce(context, headers["caller"])
    return context


def test_the_statement_is_signed_once_and_for_one_service(admin: httpx.Client, keys: Keys) -> None:
    statements = {seen(admin.get("/v1/orders"))[1]["caller"] for _ in range(5)}
    assert len(statements) == 1
    with pytest.raises(Unauthenticated):
        Callers("erp_finance", keys).introduce(Context(), statements.pop())


def test_a_query_as_the_service_sees_it(admin: httpx.Client, keys: Keys) -> None:
    event = str(ids.new_event_id("liaison.crm_contacts.contact.created.v1"))
    before = time.time()
    kwargs, headers = seen(
        admin.get(
            "/v1/orders",
            params={"status": "open", "total[gte]": "10", "tag": ["a", "b"], "wait_for": event},
            headers={"Accept-Language": "fr", "X-Request-Id": "r-1"},
        )
    )
    assert kwargs == {"query": {"status": "open", "total[gte]": "10", "tag": ["a", "b"]}}
    assert headers["wait_for"] == event and headers["language"] == "fr" and headers["request_id"] == "r-1"
    caller = told_about_caller(keys, headers)
    assert caller.permissions == ("*",) and caller.company_id == ids.DEFAULT_COMPANY_ID
    assert len(caller.actor) == 36 and headers["call_id_stack"][0].startswith("gateway.")
    assert not {"actor", "permissions", "company_id"} & set(headers)
    assert before + 1.5 < headers["deadline"] / 1000 < time.time() + 2.5
    assert "idempotency_key" not in headers and "if_match" not in headers


def test_the_wire_is_namekos(admin: httpx.Client) -> None:
    found = admin.get(ORDER).json()
    assert found["routing_key"] == "crm_sales.get_order"
    properties = found["properties"]
    assert (properties["content_type"], properties["content_encoding"]) == ("application/json", "utf-8")
    assert properties["delivery_mode"] == 1 and 1000 < int(properties["expiration"]) <= 2000
    assert len(properties["reply_to"]) == 36 and found["call"]["kwargs"] == {"id": ORDER[-36:]}


def test_a_command_as_the_service_sees_it(admin: httpx.Client) -> None:
    kwargs, headers = seen(admin.post(f"{ORDER}/place", headers={**KEY, "If-Match": '"3"'}))
    assert kwargs == {"id": ORDER[-36:]}
    assert headers["idempotency_key"] == KEY["Idempotency-Key"] and headers["if_match"] == 3
    _, headers = seen(admin.post(f"{ORDER}/place", headers={"Idempotency-Key": f'"{KEY["Idempotency-Key"]}"'}, json={}))
    assert headers["idempotency_key"] == KEY["Idempotency-Key"]
    kwargs, headers = seen(admin.patch(ORDER, json={"requested_date": None}, headers={"If-Match": "*"}))
    assert kwargs["body"] == {"requested_date": None} and headers["if_match"] == "*"


def test_the_body_arrives_as_it_was_sent(admin: httpx.Client) -> None:
    raw = (
        b'{"note":"caf\\u00e9 \xe2\x82\xac \\ud83d\\ude00","big":123456789012345678901234567890,"n":1.10,"deep":[[{}]]}'
    )
    kwargs, _ = seen(admin.post("/v1/orders", content=raw, headers={"Content-Type": "application/json"}))
    assert kwargs["body"] == json.loads(raw)


def test_a_large_body_and_a_large_answer(admin: httpx.Client) -> None:
    body = {"note": "é" * 400_000}
    kwargs, _ = seen(admin.post("/v1/orders", json=body))
    assert kwargs["body"] == body


def test_answers(admin: httpx.Client) -> None:
    made = {"headers": {"liaison.status": 201, "liaison.etag": "1", "liaison.id": "x-1", "liaison.event_ids": "e1,e2"}}
    answer = admin.post("/v1/orders", json={"behave": {**made, "result": {"id": "x-1"}}})
    assert (answer.status_code, answer.content) == (201, b'{"id": "x-1"}')
    assert answer.headers["location"] == "/v1/orders/x-1" and answer.headers["etag"] == '"1"'
    assert answer.headers["x-event-id"] == "e1,e2" and "idempotency-replayed" not in answer.headers
    replayed = told(admin, headers={"liaison.replayed": True, "liaison.event_ids": "", "liaison.etag": ""})
    assert replayed.headers["idempotency-replayed"] == "true"
    assert "x-event-id" not in replayed.headers and "etag" not in replayed.headers
    gone = told(admin, headers={"liaison.status": 204}, result=None)
    assert (gone.status_code, gone.content) == (204, b"")
    same = told(admin, headers={"liaison.status": 304, "liaison.etag": "7"}, result=None)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"7"')


def test_if_none_match_goes_on_as_a_version(admin: httpx.Client) -> None:
    for value in ('"7"', 'W/"7"'):
        assert seen(admin.get(ORDER, headers={"If-None-Match": value}))[1]["if_none_match"] == "7"
    assert "if_none_match" not in seen(admin.get(ORDER, headers={"If-None-Match": '"abc"'}))[1]


def test_a_verb_that_makes_something_has_no_location(admin: httpx.Client) -> None:
    behave = {"headers": {"liaison.status": 201, "liaison.id": "x-1"}}
    answer = admin.post(f"{ORDER}/cancel", json={"behave": behave})
    assert answer.status_code == 201 and "location" not in answer.headers


def test_head(admin: httpx.Client) -> None:
    answer = admin.head(ORDER)
    assert (answer.status_code, answer.content) == (200, b"") and int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("family", "status"),
    [
        ("not_found", 404),
        ("conflict", 409),
        ("stale", 412),
        ("precondition_required", 428),
        ("invalid", 422),
        ("bad_request", 400),
        ("forbidden", 403),
        ("not_yet", 504),
        ("unavailable", 503),
        ("deadline", 504),
        ("new_in_a_later_version", 500),
    ],
)
def test_refusals(admin: httpx.Client, family: str, status: int) -> None:
    refusal = {
        "family": family,
        "code": "lamp_broken",
        "detail": "The lamp is broken.",
        "details": {"version": 4, "allowed": ["repair"]},
        "errors": [{"pointer": "/lamp", "code": "broken", "message": "Broken."}],
    }
    body = problem(told(admin, refusal=refusal), status, "lamp_broken")
    assert (body["detail"], body["allowed"], body["errors"]) == (refusal["detail"], ["repair"], refusal["errors"])


def test_a_stock_failure_says_nothing(admin: httpx.Client, gateway: Process) -> None:
    secret = "postgresql://u:canary-4711@h/db"
    answer = told(admin, fail=secret)
    problem(answer, 500, "internal_error")
    assert "canary-4711" not in answer.text and "RuntimeError" not in answer.text
    assert "canary-4711" not in gateway.log.read_text()


def test_nobody_there(admin: httpx.Client) -> None:
    answer = soon(1, lambda: admin.get("/v1/contacts"))
    problem(answer, 503, "unavailable" if answer.json()["code"] == "unavailable" else "service_unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("account", ["erp_finance", ""])
def test_no_other_service_can_answer_for_the_called_one(admin: httpx.Client, gateway: Process, account: str) -> None:
    """A7: whoever knows everything of a call, but is another account or does not say who it is, is not heard."""
    problem(told(admin, **{"as": account}, result={"data": []}), 504, "deadline_exceeded")
    assert f'"user":"{account}"' in gateway.log.read_text().replace('": "', '":"')
    assert told(admin, **{"as": "crm_sales"}, result={"data": []}).status_code == 200


def test_call_ids_cannot_be_guessed(admin: httpx.Client) -> None:
    """A7: 128 random bits each, nothing of one in the next."""
    ids_ = [admin.get(ORDER).json()["properties"]["correlation_id"] for _ in range(20)]
    assert all(len(bytes.fromhex(one)) == 16 for one in ids_)
    assert len({one[:8] for one in ids_}) == len({one[-8:] for one in ids_}) == 20


def test_no_answer(admin: httpx.Client, gateway: Process) -> None:
    begun = time.monotonic()
    problem(soon(3, lambda: told(admin, silent=True)), 504, "deadline_exceeded")
    assert time.monotonic() - begun > 1.9
    assert gateway.metric("rpc_client_pending") == 0


def test_too_much_going_on(admin: httpx.Client, gateway: Process) -> None:
    """A8: so many calls of one service, and no more: the next ones are refused at once, and others need not wait."""
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: told(admin, silent=True), range(40)))
    codes = sorted((answer.status_code, answer.json()["code"]) for answer in answers)
    assert codes.count((504, "deadline_exceeded")) == 20 and codes.count((503, "overloaded")) == 20
    assert gateway.metric("rpc_client_pending") == 0
    seen(admin.get(ORDER))


def test_answers_find_their_questions(admin: httpx.Client) -> None:
    with ThreadPoolExecutor(16) as pool:
        asked = list(range(200))
        answers = pool.map(lambda n: told(admin, result={"n": n}).json()["n"], asked)
        assert list(answers) == asked


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("POST", f"{ORDER}/place", {}, 400, "idempotency_key_required"),
        ("POST", f"{ORDER}/place", {"headers": {"Idempotency-Key": "short"}}, 400, "invalid_idempotency_key"),
        ("POST", f"{ORDER}/place", {"headers": KEY, "json": {"a": 1}}, 400, "body_not_expected"),
        ("GET", ORDER, {"json": {}}, 400, "body_not_expected"),
        ("DELETE", ORDER, {"json": {}, "headers": {"If-Match": "*"}}, 400, "body_not_expected"),
        ("POST", "/v1/orders", {}, 400, "body_required"),
        ("PATCH", ORDER, {"headers": {"If-Match": '"1"'}}, 400, "body_required"),
        ("PATCH", ORDER, {"json": {}}, 428, "if_match_required"),
        ("DELETE", ORDER, {}, 428, "if_match_required"),
        ("PATCH", ORDER, {"json": {}, "headers": {"If-Match": "3"}}, 400, "invalid_if_match"),
        ("GET", ORDER, {"params": {"surprise": "1"}}, 400, "unknown_parameter"),
        ("GET", ORDER, {"params": {"wait_for": "soon"}}, 400, "invalid_wait_for"),
        ("GET", ORDER, {"params": {"wait_for": str(uuid4())}}, 422, "unknown_wait_for"),
        ("GET", "/v1/orders/42", {}, 404, "not_found"),
        ("GET", "/v1/nothing", {}, 404, "not_found"),
        ("PUT", ORDER, {"json": {}}, 405, "method_not_allowed"),
        ("OPTIONS", "/v1/orders", {"headers": {"Origin": "https://evil.example"}}, 405, "method_not_allowed"),
        ("POST", "/v1/orders", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type"),
        ("POST", "/v1/orders", {"content": b"{}"}, 415, "unsupported_media_type"),
        (
            "POST",
            "/v1/orders",
            {"content": b"{}", "headers": {"Content-Type": "application/json; charset=latin-1"}},
            415,
            "unsupported_media_type",
        ),
        ("POST", "/v1/orders", {"json": {}, "headers": {"Content-Encoding": "gzip"}}, 415, "unsupported_media_type"),
    ],
)  # fmt: skip
def test_refused_at_the_edge(
    admin: httpx.Client, method: str, path: str, options: dict[str, Any], status: int, code: str
) -> None:
    answer = admin.request(method, path, **options)
    problem(answer, status, code)
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("raw", [b"{", b'{"a":1,"a":2}', b"[" * 100_000, b'{"a":NaN}', b"\xff", b'{"a":"\\ud800"}'])
def test_bad_json(admin: httpx.Client, raw: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    problem(soon(0.5, lambda: admin.post("/v1/orders", content=raw, headers=headers)), 400, "invalid_json")


def test_too_large(admin: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    problem(admin.post("/v1/orders", content=b" " * (1024 * 1024 + 1), headers=headers), 413, "body_too_large")
    pieces = (b" " * 65_536 for _ in range(17))
    problem(admin.post("/v1/orders", content=pieces, headers=headers), 413, "body_too_large")


def test_two_of_a_header_that_may_stand_once(admin: httpx.Client) -> None:
    headers = [("Idempotency-Key", "k" * 16), ("Idempotency-Key", "l" * 16)]
    body = problem(admin.post(f"{ORDER}/place", headers=headers), 400, "duplicate_header")
    assert body["header"] == "idempotency-key"


def test_security_headers(admin: httpx.Client) -> None:
    for answer in (admin.get(ORDER), admin.get("/v1/nothing"), admin.get("/docs")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers and "set-cookie" not in answer.headers
        assert len(answer.headers["traceparent"]) == 55


def test_rate_limit_is_shown(admin: httpx.Client) -> None:
    answer = admin.get(ORDER)
    assert answer.headers["ratelimit-policy"] == '"default";q=1000;w=2'
    assert answer.headers["ratelimit"].startswith('"default";r=')
