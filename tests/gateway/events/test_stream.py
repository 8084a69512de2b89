"""Server-sent events: resumed without a gap, cut when slow, ended with the token."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.events import hub, streaming
from gateway.events.hub import Follower
from gateway.events.streaming import Stream, Streams
from gateway.events.visibility import viewer, visible_types
from gateway.http.access import Principal
from gateway.service import Gateway
from shared.contracts import erp_finance as finance
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_event_id, new_id
from tests.conftest import Databases
from tests.gateway.conftest import until
from tests.gateway.events.conftest import GatewayAlone, held
from tests.harness import Harness, message


class Listener(threading.Thread):
    """A client that follows the specification: it remembers the last id and comes back when the stream ends."""

    def __init__(self, alone: GatewayAlone, types: str = "#", token: str = "") -> None:
        super().__init__(daemon=True)
        self.url, self.types = f"{alone.base_url}/v1/events/stream", types
        self.token = token or alone.api.token
        self.events: list[tuple[str, str, Any]] = []
        self.last_id, self.connections, self.retry, self.over = "", 0, 0, False
        self.refused: httpx.Response | None = None

    def run(self) -> None:
        while not self.over:
            try:
                self._follow()
            except httpx.HTTPError:
                time.sleep(0.1)

    def ids(self) -> list[str]:
        return [event_id for event_id, _, _ in self.events]

    def _follow(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Last-Event-ID": self.last_id} if self.last_id else {})
        with httpx.stream("GET", self.url, headers=headers, params={"types": self.types}, timeout=20) as answer:
            if answer.status_code != 200:
                answer.read()
                self.refused, self.over = answer, True
                return
            assert answer.headers["content-type"].startswith("text/event-stream")
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                else:
                    self._dispatch(fields)
                    fields = {}
                if self.over:
                    return

    def _dispatch(self, fields: dict[str, str]) -> None:
        self.last_id = fields.get("id", self.last_id)
        if "retry" in fields:
            self.connections, self.retry = self.connections + 1, int(fields["retry"])
        if "data" in fields:
            self.events.append((fields["id"], fields["event"], json.loads(fields["data"])))


@pytest.fixture
def listen(alone: GatewayAlone) -> Iterator[Any]:
    started: list[Listener] = []

    def start(**given: Any) -> Listener:
        listener = Listener(alone, **given)
        listener.start()
        started.append(listener)
        until(lambda: listener.connections or listener.refused)
        return listener

    yield start
    for listener in started:
        listener.over = True
    alone.publish(held()[1])  # wakes them, so that they see it


def test_it_tells_what_happens_to_those_who_may_know(alone: GatewayAlone, listen: Any) -> None:
    before = len(alone.stored())
    clerk = alone.user("stream-clerk@lamp.example", "warehouse")
    until(lambda: len(alone.stored()) > before)  # that there is a clerk is an event too
    everything, orders, stockman = listen(), listen(types="crm_sales.order.*"), listen(token=clerk.token)
    order = held("SO-é")
    released = finance.CreditReleased(order_id=new_id(), customer_id=new_id())
    credit_id = new_event_id(released.full_type)
    alone.publish(message(released, credit_id), key=released.type, user="erp_finance")
    until(lambda: everything.ids() == [str(credit_id)])
    alone.publish(order[1])
    until(lambda: all(order[0] in listener.ids() for listener in (everything, orders, stockman)))
    assert everything.ids() == [str(credit_id), order[0]] and orders.ids() == stockman.ids() == [order[0]]
    assert orders.events[0] == (order[0], "crm_sales.order.held", json.loads(order[1]))
    assert 3000 <= orders.retry <= 6000


def test_it_resumes_through_restarts_under_load(alone: GatewayAlone, listen: Any) -> None:
    """One SIGTERM and one kill -9 of the edge, one kill -9 of the service, while events flow; nothing missing or twice."""
    listeners = [listen(types="crm_sales.order.held") for _ in range(3)]
    sent = [held(f"SO-{n}") for n in range(2500)]
    publishing = threading.Thread(target=alone.publish, args=[body for _, body in sent])
    publishing.start()
    until(lambda: len(listeners[0].events) > 300)
    stopping = time.monotonic()
    restart = threading.Thread(target=alone.supervisor.restart, args=["gateway"])
    restart.start()
    until(lambda: all(listener.connections >= 2 for listener in listeners), 40)
    restart.join()
    alone.kill("gateway.service.1")
    until(lambda: len(listeners[0].events) > 800 or not publishing.is_alive())
    alone.kill("gateway")
    publishing.join(60)
    wanted = [event_id for event_id, _ in sent]
    for listener in listeners:
        until(lambda one=listener: len(one.events) >= len(sent), 60)
        assert listener.ids() == wanted
    assert time.monotonic() - stopping < 100


def test_who_comes_back_is_told_what_was_missed(alone: GatewayAlone, listen: Any) -> None:
    sent = [held() for _ in range(450)]
    alone.publish(*(body for _, body in sent))
    until(lambda: sent[-1][0] in alone.stored())
    headers = {"Last-Event-ID": sent[9][0]}
    first = _read(alone, 440, headers=headers)
    assert first == [event_id for event_id, _ in sent[10:]]
    assert _read(alone, 440, params={"last_event_id": sent[9][0]}) == first


def _read(alone: GatewayAlone, count: int, **given: Any) -> list[str]:
    found: list[str] = []
    with alone.api.http.stream("GET", "/v1/events/stream", **given) as answer:
        for line in answer.iter_lines():
            if line.startswith("id: ") and "-" in line:
                found.append(line[4:])
            if len(found) == count:
                return found
    return found


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ({"types": "crm_sales.ordre.#"}, {}, 400, "bad_request"),
        ({"colour": "red"}, {}, 400, "unknown_parameter"),
        ({}, {"Last-Event-ID": "x"}, 400, "invalid_last_event_id"),
        ({}, {"Last-Event-ID": "00000000-0000-4000-8000-000000000000"}, 410, "event_gone"),
        ({}, {"Last-Event-ID": "ffffffff-ffff-7fff-bfff-ffffffffffff"}, 400, "unknown_event"),
        ({}, {"Authorization": "Bearer nobody"}, 401, "unauthenticated"),
    ],
)
def test_a_wrong_question_is_a_problem(
    alone: GatewayAlone, query: dict[str, str], headers: dict[str, str], status: int, code: str
) -> None:
    answer = alone.api.http.get("/v1/events/stream", params=query, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_ten_streams_for_everybody(alone: GatewayAlone, listen: Any) -> None:
    user = alone.user("many-streams@lamp.example", "sales")
    listeners = [listen(token=user.token) for _ in range(11)]
    refused = [listener.refused for listener in listeners if listener.refused]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(429, "too_many_streams")]
    assert refused[0].headers["retry-after"] == "5"


def test_it_ends_for_whoever_is_shut_out_and_changes_with_rights(alone: GatewayAlone, listen: Any) -> None:
    """Within seconds, and without an event in between that they may not see any more."""
    shut_out, moved = (alone.user(f"{name}@lamp.example", "sales") for name in ("shut-out", "moved"))
    gone, other = listen(token=shut_out.token), listen(token=moved.token, types="crm_sales.#")
    key = alone.api.post("/v1/api-keys", {"name": "stream", "scopes": ["sales.*:read", "gateway.events:read"]})
    by_key = listen(token=key["secret"])
    first = held()
    alone.publish(first[1])
    until(lambda: all(first[0] in listener.ids() for listener in (gone, other, by_key)))
    begun = time.monotonic()
    alone.api.post(f"/v1/users/{shut_out.get('/v1/me')['id']}/deactivate")
    alone.api.post(f"/v1/api-keys/{key['id']}/revoke")
    user = alone.api.get(f"/v1/users/{moved.get('/v1/me')['id']}")
    alone.api.patch(f"/v1/users/{user['id']}", {"roles": ["hr"]}, user["version"])
    until(lambda: gone.refused is not None and by_key.refused is not None and other.connections == 2, 15)
    assert time.monotonic() - begun < 12
    assert gone.refused.status_code == by_key.refused.status_code == 401
    alone.publish(held()[1])
    time.sleep(0.5)
    assert all(listener.ids() == [first[0]] for listener in (gone, other, by_key))


# -- one stream by itself, with short times ----------------------------------------------------------------------------


@pytest.fixture
def service(databases: Databases) -> Iterator[Harness]:
    urls = databases.fresh("gateway")
    harness = Harness(Gateway, urls.application)
    yield harness
    harness.close()
    databases.drop(urls)


class Connection:
    """The other end of one stream. `takes` False: it never reads, so that writing does not come to an end."""

    def __init__(self) -> None:
        self.body, self.takes, self.aborted, self.finished = b"", True, False, False
        self.gone = asyncio.Event()

    async def send(self, message: Any) -> None:
        if not self.takes:
            await self.gone.wait()
        self.body += message.get("body", b"")
        self.finished = message["type"] == "http.response.body" and not message["more_body"]

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    def abort(self) -> None:
        self.aborted = True
        self.gone.set()


async def _run(service: Harness, acts: Any, lifetime: float = 60) -> Connection:
    principal = Principal("u", "U", (), ("*",), str(DEFAULT_COMPANY_ID), time.time() + lifetime, "t")

    async def known(_: object) -> Principal:
        return principal

    async def may_go_on() -> bool:
        return True

    streams, connection = Streams(service.engine, known), Connection()
    streams.hub.start()
    follower = Follower(visible_types(viewer(("*",), None)), None)
    stream = Stream(streams, follower, principal, may_go_on)
    running = asyncio.create_task(
        stream({"liaison.abort": connection.abort}, connection.receive, connection.send)  # type: ignore[arg-type]
    )
    await acts(streams, connection)
    await asyncio.wait_for(running, 10)
    await streams.hub.stop()
    assert not streams._open
    return connection


async def _until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


def test_it_shows_that_it_lives(service: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_SECONDS", 0.05)

    async def acts(streams: Streams, connection: Connection) -> None:
        await _until(lambda: connection.body.count(b": here\n\n") >= 3)
        streams.hub.close()

    assert asyncio.run(_run(service, acts)).finished


def test_it_ends_with_the_token(service: Harness) -> None:
    async def acts(streams: Streams, connection: Connection) -> None:
        await _until(lambda: connection.finished)

    begun = time.monotonic()
    assert asyncio.run(_run(service, acts, lifetime=0.5)).finished and time.monotonic() - begun < 5


def test_who_takes_nothing_is_cut(service: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "SLOW_SECONDS", 0.2)

    async def acts(streams: Streams, connection: Connection) -> None:
        await _until(lambda: b"retry" in connection.body)
        connection.takes = False
        await asyncio.to_thread(service.record, "event_store", held()[1])
        await _until(lambda: connection.aborted)

    assert not asyncio.run(_run(service, acts)).finished


def test_what_waits_for_a_slow_client_has_a_limit(service: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "WAITING_BYTES", 2000)

    async def acts(streams: Streams, connection: Connection) -> None:
        await _until(lambda: b"retry" in connection.body)
        connection.takes = False
        for _ in range(3):
            await asyncio.to_thread(service.record, "event_store", *(held()[1] for _ in range(4)))
            await asyncio.sleep(0.2)
        (follower,) = streams.hub._followers
        assert follower.ended == "slow" and not follower.waiting
        connection.takes = True
        connection.gone.set()

    asyncio.run(_run(service, acts))


def test_the_store_may_go_away_and_come_back(service: Harness) -> None:
    """A stream outlives the loss of the connections over which it listens and reads."""
    from sqlalchemy import text

    first, second = held(), held()

    async def acts(streams: Streams, connection: Connection) -> None:
        await asyncio.to_thread(service.record, "event_store", first[1])
        await _until(lambda: first[0].encode() in connection.body)
        with service.session() as session:
            session.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                                 " AND datname = current_database()"))  # fmt: skip
        await asyncio.to_thread(service.record, "event_store", second[1])
        await _until(lambda: second[0].encode() in connection.body)
        streams.hub.close()

    assert asyncio.run(_run(service, acts)).body.count(b"event: ") == 2
