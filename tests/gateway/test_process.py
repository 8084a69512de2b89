"""A gateway process: it starts before its broker, outlives it, ends in order, and writes one line per event."""

import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import httpx
import pytest

from deploy.local import servers as local
from gateway.docs import pages
from tests.gateway.conftest import ADMIN, Process, sign_in, until
from tests.gateway.test_forwarding import ORDER, told
from tests.ports import free_port
from tests.timing import soon

ECHO = Path(__file__).with_name("echo.py")


def test_ends_with_zero_and_finishes_what_runs(own_gateway: Process, echo: None) -> None:
    own_gateway.start()
    until(lambda: own_gateway.metric("rpc_client_connected") == 1)
    answers: list[int] = []
    with sign_in(own_gateway.url, *ADMIN) as client:
        waiting = threading.Thread(target=lambda: answers.append(told(client, sleep=1.2).status_code))
        waiting.start()
        until(lambda: own_gateway.metric("rpc_client_pending") == 1)
        begun = time.monotonic()
        assert own_gateway.stop() == 0
        waiting.join()
    assert answers == [200] and time.monotonic() - begun < 10


def test_the_next_edge_takes_over_without_a_gap(own_gateway: Process, echo: None, tmp_path: Path) -> None:
    """D10: under load the second starts on the same address, the first ends; nobody is turned away, no connection is
    reset, no answer is cut off."""
    following = Process(own_gateway.env, tmp_path / "following.log")
    statuses: list[int] = []
    over = threading.Event()
    own_gateway.start()
    client = sign_in(own_gateway.url, *ADMIN)
    token = client.headers["Authorization"]
    client.close()

    def ask() -> None:
        while not over.is_set():
            answer = httpx.get(f"{own_gateway.url}/v1/me", headers={"Authorization": token}, timeout=10)
            statuses.append(answer.status_code)

    with ThreadPoolExecutor(3) as crowd:
        asking = [crowd.submit(ask) for _ in range(3)]
        try:
            following.start(wait=False)
            until(lambda: "broker connected" in following.log.read_text())
            before = len(statuses)
            assert own_gateway.stop() == 0
            until(lambda: len(statuses) > before + 100)
        finally:
            over.set()
            wait(asking)
            assert following.stop() == 0
        for one in asking:
            one.result()
    assert set(statuses) == {200}


def test_not_ready_while_it_stops(own_gateway: Process) -> None:
    own_gateway.env["LIAISON_GATEWAY_DRAIN_SECONDS"] = "2"
    own_gateway.start()
    assert own_gateway.popen is not None
    own_gateway.popen.terminate()
    until(lambda: httpx.get(f"{own_gateway.url}/readyz").status_code == 503, 2)
    assert httpx.get(f"{own_gateway.url}/livez").status_code == 200
    assert own_gateway.popen.wait(20) == 0


def test_starts_without_broker_and_says_so(own_gateway: Process) -> None:
    own_gateway.env["LIAISON_GATEWAY_AMQP_URI"] = f"amqp://x:y@127.0.0.1:{free_port()}/liaison"
    own_gateway.start()
    assert httpx.get(f"{own_gateway.url}/readyz").json()["status"] == "degraded"
    with sign_in(own_gateway.url, *ADMIN) as client:
        answer = soon(0.5, lambda: client.get(ORDER))
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert own_gateway.stop() == 0


def test_without_database_it_serves_but_is_not_ready(own_gateway: Process) -> None:
    own_gateway.env["LIAISON_GATEWAY_DATABASE_URL"] = f"postgresql://x:y@127.0.0.1:{free_port()}/gateway"
    own_gateway.start(wait=False)
    until(lambda: _status(f"{own_gateway.url}/livez") == 200)
    assert httpx.get(f"{own_gateway.url}/readyz").status_code == 503
    body = {"email": ADMIN[0], "password": ADMIN[1]}
    answer = httpx.post(f"{own_gateway.url}/v1/auth/token", json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert own_gateway.stop() == 0


def test_the_first_administrator(own_gateway: Process) -> None:
    grace = ("grace@lamp.example", "another-long-password")
    own_gateway.env |= {"LIAISON_ADMIN_EMAIL": grace[0], "LIAISON_ADMIN_PASSWORD": grace[1]}
    own_gateway.start()
    with sign_in(own_gateway.url, *grace) as client:
        assert client.get("/v1/me").json()["roles"] == ["admin"]


def test_status_asks_everybody_and_never_fails(own_gateway: Process) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    own_gateway.env["LIAISON_HEALTH_PORT"] = str(free_port())
    urls = {
        "gateway": "http://127.0.0.1:" + own_gateway.env["LIAISON_HEALTH_PORT"],
        "crm_sales": "http://127.0.0.1:" + own_gateway.env["LIAISON_HEALTH_PORT"],
        "erp_finance": f"http://127.0.0.1:{free_port()}",
        "erp_inventory": f"http://127.0.0.1:{silent.getsockname()[1]}",
    }
    own_gateway.env["LIAISON_HEALTH_URLS"] = json.dumps(urls)
    own_gateway.start()
    with sign_in(own_gateway.url, *ADMIN) as client:
        status = soon(2, lambda: client.get("/v1/status")).json()
    found = {process["name"]: process["status"] for process in status["processes"]}
    assert found == {"crm_sales": "ready", "erp_finance": "unreachable", "erp_inventory": "unreachable"}
    assert status["status"] == "degraded"
    silent.close()


def test_the_log(own_gateway: Process) -> None:
    own_gateway.start()
    with sign_in(own_gateway.url, *ADMIN) as client:
        client.get("/v1/a%0d%0a%1b[31m{}", params={"secret": "canary-1"})
        client.post("/v1/orders", json={"note": "canary-2"})
        token = client.headers["Authorization"].split()[1]
    httpx.post(f"{own_gateway.url}/v1/auth/token", json={"email": "canary-3@x.y", "password": "canary-4"})
    assert own_gateway.stop() == 0
    text = own_gateway.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    requests = [line for line in lines if line["logger"] == "gateway.access"]
    assert [(line["method"], line["status"]) for line in requests][-1] == ("POST", 401)
    assert any(line["path"] == "/v1/a\r\n\x1b[31m{}" for line in requests)
    assert all(line["request_id"] and line["trace_id"] for line in requests)
    assert "canary" not in text and token not in text and ADMIN[1] not in text


def test_a_broker_that_goes_and_comes_back(
    own_gateway: Process, own_root: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """kill -9 of the broker under a waiting call, then a start: nothing hangs, nothing leaks, all by itself."""
    broker = local.start(own_root / "gateway-mortal", postgresql=False)
    echo = [sys.executable, str(ECHO), broker.amqp_admin_uri]
    own_gateway.env |= {"LIAISON_GATEWAY_AMQP_URI": broker.amqp_admin_uri, "LIAISON_SHARED_BROKER_ACCOUNT": "1"}
    with subprocess.Popen(echo, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
        assert first.stdout is not None and first.stdout.readline()
        own_gateway.start()
        until(lambda: own_gateway.metric("rpc_client_connected") == 1)
        with sign_in(own_gateway.url, *ADMIN) as client:
            assert client.get(ORDER).status_code == 200
            answers: list[httpx.Response] = []
            waiting = threading.Thread(target=lambda: answers.append(told(client, silent=True)))
            waiting.start()
            until(lambda: own_gateway.metric("rpc_client_pending") == 1)
            broker.kill_rabbitmq()
            begun = time.monotonic()
            waiting.join()
            assert time.monotonic() - begun < 1.5
            assert (answers[0].status_code, answers[0].json()["code"]) == (503, "outcome_unknown")
            assert (client.get(ORDER).status_code, own_gateway.metric("rpc_client_pending")) == (503, 0)
            first.wait(10)
            broker.start_rabbitmq()
            with subprocess.Popen(echo, stdout=subprocess.PIPE) as second:
                assert second.stdout is not None and second.stdout.readline()
                until(lambda: client.get(ORDER).status_code == 200, 15)
                _alarm(broker, client, own_gateway)
                second.terminate()
    assert own_gateway.stop() == 0
    broker.stop()


def _alarm(broker: local.Servers, client: httpx.Client, gateway: Process) -> None:
    """With a memory alarm the broker takes nothing: the first call meets its deadline, later ones are told at once."""
    broker.set_vm_memory_high_watermark(0.0000001)
    assert client.get(ORDER).status_code in (503, 504)
    assert soon(1, lambda: (client.get(ORDER).status_code, gateway.metric("rpc_client_pending"))) == (503, 0)
    broker.set_vm_memory_high_watermark(0.4)
    until(lambda: client.get(ORDER).status_code == 200, 15)


def _status(url: str) -> int:
    try:
        return httpx.get(url, timeout=1).status_code
    except httpx.HTTPError:
        return 0


@pytest.mark.parametrize("page", ["/openapi.json", "/docs/errors.json", *pages.PAGES])
def test_the_documentation_needs_nobody_else(gateway: Process, page: str) -> None:
    answer = httpx.get(gateway.url + page)
    assert answer.status_code == 200
    if not page.endswith(".json"):
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "//" not in answer.text.replace("http://", "").replace("// ", "") and "innerHTML" not in answer.text


@pytest.mark.parametrize("page", ["/openapi.json", "/asyncapi.json"])
def test_documents_follow_the_language(gateway: Process, page: str) -> None:
    """The documents are served in the language that is asked for."""
    english, french = (
        httpx.get(gateway.url + page, headers={"Accept-Language": one}) for one in ("en", "fr-FR, en;q=0.5")
    )
    assert (english.headers["content-language"], french.headers["content-language"]) == ("en", "fr")
    assert english.headers["vary"] == french.headers["vary"] and "accept-language" in french.headers["vary"].lower()
    assert english.headers["etag"] != french.headers["etag"]
    assert (
        "## Events" in english.json()["info"]["description"] and "## Événements" in french.json()["info"]["description"]
    )


def test_the_document_is_cached_by_its_etag(gateway: Process) -> None:
    etag = httpx.get(f"{gateway.url}/openapi.json").headers["etag"]
    assert httpx.get(f"{gateway.url}/openapi.json", headers={"If-None-Match": etag}).status_code == 304
