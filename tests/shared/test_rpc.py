"""Calls on Nameko's wire: from a stock client, late, broken, forged, and while the service stops."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pika
import pytest

from shared.messaging.topology import permissions
from tests.shared.conftest import ToyOnTheBus, python
from tests.shared.toy.service import SECRET
from tests.shared.waiting import until

_REPLY = r"^rpc\.reply-.*$"


@pytest.fixture(scope="module")
def toy_bus(start_toy: Callable[..., ToyOnTheBus]) -> ToyOnTheBus:
    return start_toy("rpc", LIAISON_DRAIN_SECONDS="8")


@pytest.fixture
def caller(toy_bus: ToyOnTheBus) -> Iterator["Caller"]:
    uri = toy_bus.user(
        "caller", _REPLY, rf"^nameko-rpc$|{_REPLY}", rf"^nameko-rpc$|{_REPLY}", {"nameko-rpc": r"^toy\."}
    )
    opened = Caller(uri, toy_bus.statement())
    yield opened
    opened.connection.close()


class Caller:
    """A plain AMQP client that speaks the wire protocol by hand."""

    def __init__(self, uri: str, statement: str = "") -> None:
        self.told = {"nameko.caller": statement} if statement else {}
        self.connection = pika.BlockingConnection(pika.URLParameters(uri))
        self.channel = self.connection.channel()
        self.key = str(uuid4())
        queue = f"rpc.reply-caller-{self.key}"
        self.channel.queue_declare(queue, exclusive=True)
        self.channel.queue_bind(queue, "nameko-rpc", self.key)
        self.queue = queue

    def send(self, operation: str, body: bytes, headers: dict[str, Any] | None = None, **properties: Any) -> str:
        call = str(uuid4())
        given = {"content_type": "application/json", "reply_to": self.key, "correlation_id": call, **properties}
        self.channel.basic_publish(
            "nameko-rpc", f"toy.{operation}", body, pika.BasicProperties(headers=self.told | (headers or {}), **given)
        )
        return call

    def answer(self, call: str, timeout: float = 10) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The answer to a call with its headers, or None."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            _, properties, body = self.channel.basic_get(self.queue, auto_ack=True)
            if body is not None and properties.correlation_id == call:
                assert properties.user_id == "toy", "A7: the broker vouches for who answers"
                return json.loads(body), dict(properties.headers or {})
            self.connection.process_data_events(0.02)
        return None

    def call(self, operation: str, headers: dict[str, Any] | None = None, **kwargs: Any) -> dict[str, Any]:
        body = json.dumps({"args": [], "kwargs": kwargs}).encode()
        found = self.answer(self.send(operation, body, headers))
        assert found is not None
        return found[0]


_STOCK = """
import json, sys
from nameko.standalone.rpc import ClusterRpcProxy
from nameko.exceptions import RemoteError
answers = []
with ClusterRpcProxy({"AMQP_URI": sys.argv[1]}, context_data={"caller": sys.argv[2]}, timeout=10) as cluster:
    made = cluster.toy.create_thing(body={"name": "lamp", "amount": "12.50"})
    answers.append(made)
    answers.append(cluster.toy.get_thing(id=made["id"]))
    call = cluster.toy.list_things.call_async(query={"name": "lamp"})
    answers.append(call.result())
    try:
        cluster.toy.get_thing(id="01900000-0000-7000-8000-000000000009")
    except RemoteError as error:
        answers.append([error.exc_type, error.value])
print(json.dumps(answers))
"""


def test_a_stock_nameko_client_can_call(toy_bus: ToyOnTheBus) -> None:
    uri = toy_bus.user(
        "stock", r"^(nameko-rpc|rpc\.reply-.*)$", r"^(nameko-rpc|rpc\.reply-.*)$", r"^(nameko-rpc|rpc\.reply-.*)$"
    )
    made, got, listed, refused = json.loads(python(_STOCK, uri, toy_bus.statement("toy.*:*")))
    assert made["amount"] == "12.50" and got == made
    assert [row["id"] for row in listed["data"]] == [made["id"]]
    assert refused[0] == "NotFound"


def test_the_reply_tells_what_http_needs(caller: Caller) -> None:
    call = caller.send("create_thing", json.dumps({"kwargs": {"body": {"name": "lamp"}}, "args": []}).encode())
    found = caller.answer(call)
    assert found is not None
    body, headers = found
    assert headers["liaison.status"] == 201 and headers["liaison.etag"] == "1"
    assert headers["liaison.id"] == body["result"]["id"] and headers["liaison.event_ids"]


def test_after_its_deadline_nothing_is_carried_out(caller: Caller, toy_bus: ToyOnTheBus) -> None:
    name = f"late {uuid4()}"
    past = {"nameko.deadline": int((time.time() - 0.1) * 1000)}
    refused = caller.call("create_thing", past, body={"name": name})
    assert refused["error"]["refusal"]["code"] == "deadline_exceeded"
    assert toy_bus.sql("SELECT count(*) FROM thing WHERE name = %s", name) == [(0,)]


def test_what_waited_in_the_queue_too_long_is_not_carried_out(caller: Caller, toy_bus: ToyOnTheBus) -> None:
    """The service is frozen while the caller gives up; neither broker nor service carry the command out later."""
    name = f"zombie {uuid4()}"
    toy_bus.supervisor.send("toy.1", signal.SIGSTOP)
    body = json.dumps({"args": [], "kwargs": {"body": {"name": name}}}).encode()
    try:
        for expiration in ("300", None):
            deadline = {"nameko.deadline": int((time.time() + 0.3) * 1000)}
            caller.send("create_thing", body, deadline, **({"expiration": expiration} if expiration else {}))
        time.sleep(1)
    finally:
        toy_bus.supervisor.send("toy.1", signal.SIGCONT)
    assert caller.call("list_things", query={"name": name})["result"]["data"] == []


def test_what_waited_while_nobody_was_there_is_not_carried_out(caller: Caller, toy_bus: ToyOnTheBus) -> None:
    """A12: the edge has told the caller within a second. What was sent shortly before the start is carried out."""
    now = int(time.time() * 1000)
    names = {f"old {uuid4()}": now, f"new {uuid4()}": now + 600_000}
    toy_bus.supervisor.stop("toy.1")
    try:
        calls = [
            caller.send(
                "create_thing", json.dumps({"kwargs": {"body": {"name": name}}}).encode(), {"nameko.sent": sent}
            )
            for name, sent in names.items()
        ]
        time.sleep(0.6)
    finally:
        toy_bus.supervisor.start("toy.1")
    old, new = (caller.answer(call, 90) for call in calls)  # loading takes long on a busy machine
    assert old is not None and old[0]["error"]["refusal"]["code"] == "service_unavailable"
    assert new is not None and new[1]["liaison.status"] == 201
    assert [toy_bus.sql("SELECT count(*) FROM thing WHERE name = %s", name) for name in names] == [[(0,)], [(1,)]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"[]", "malformed_call"),
        (b"{}", "malformed_call"),
        (b'{"args":["x"],"kwargs":{}}', "malformed_call"),
        (b'{"kwargs":[]}', "malformed_call"),
        (b"\x80\x04\x95pickle", "invalid_json"),
        (b'{"kwargs":{"body":{"name":NaN}}}', "invalid_json"),
        (b'{"kwargs":{"body":{"name":"a","name":"b"}}}', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
    ],
)
def test_malformed_calls_are_refused(caller: Caller, body: bytes, code: str) -> None:
    found = caller.answer(caller.send("create_thing", body))
    assert found is not None and found[0]["error"]["refusal"]["code"] == code


@pytest.mark.parametrize(
    "headers",
    [
        {"nameko.deadline": "soon"},
        {"nameko.deadline": 10**18},
        {"nameko.deadline": -1},
        {"nameko.sent": "now"},
        {"nameko.wait_for": "x,y"},
        {"nameko.last_writes": ["x", 7]},
        {"nameko.idempotency_key": 7},
        {"nameko.if_match": {"a": 1}},
        {"nameko.caller": {"a": 1}},
        {"nameko.traceparent": ["x"]},
        {"nameko.language": 1},
    ],
)
def test_odd_headers_get_an_answer(caller: Caller, headers: dict[str, Any]) -> None:
    body = json.dumps({"args": [], "kwargs": {"query": {}}}).encode()
    found = caller.answer(caller.send("list_things", body, headers))
    assert found is not None


def test_nobody_is_served_without_a_valid_statement(caller: Caller, toy_bus: ToyOnTheBus) -> None:
    """What a broker account with the right to call could send; the plain headers of old say nothing any more."""
    good, name = caller.told["nameko.caller"], f"forged {uuid4()}"
    old = {"nameko.actor": "admin", "nameko.permissions": ["*"]}
    forged = [None, "", good[:-3], good + "A", toy_bus.statement(service="crm_sales"), toy_bus.statement(seconds=-31)]
    for statement in forged:
        answer = caller.call("create_thing", {**old, "nameko.caller": statement}, body={"name": name})
        assert answer["error"]["refusal"]["code"] == "unauthenticated"
    assert toy_bus.sql("SELECT count(*) FROM thing WHERE name = %s", name) == [(0,)]


def test_the_service_checks_the_permission_itself(caller: Caller, toy_bus: ToyOnTheBus) -> None:
    told = {"nameko.caller": toy_bus.statement("toy.things:read")}
    assert "data" in caller.call("list_things", told, query={})["result"]
    answer = caller.call("create_thing", told, body={"name": "lamp"})
    assert answer["error"]["refusal"]["details"] == {"permission": "toy.things:write"}


def test_an_unknown_operation_is_refused(caller: Caller) -> None:
    assert caller.call("explode")["error"]["exc_type"] == "NotFound"


def test_a_failure_crosses_the_wire_without_its_text(caller: Caller, toy_bus: ToyOnTheBus) -> None:
    error = caller.call("fail")["error"]
    assert SECRET not in json.dumps(error) and error["exc_type"] == "InternalError"
    assert SECRET not in toy_bus.log()


def test_a_service_can_neither_call_another_nor_itself(toy_bus: ToyOnTheBus) -> None:
    """Its right to write to `nameko-rpc` is for replies, whose keys are UUIDs."""
    connection = pika.BlockingConnection(pika.URLParameters(toy_bus.uri_of("toy")))
    channel = connection.channel()
    channel.confirm_delivery()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        channel.basic_publish("nameko-rpc", "toy.fail", b"{}")
    assert refused.value.reply_code == 403
    connection.close()


def test_only_the_gateway_may_call() -> None:
    calling = [user for user, rights in permissions().items() if "nameko-rpc" in rights.topics]
    patterns = {user: permissions()[user].topics["nameko-rpc"] for user in calling}
    assert all("crm" not in pattern for user, pattern in patterns.items() if user != "gateway")


def test_sigterm_finishes_what_runs_and_ends_with_zero(start_toy: Callable[..., ToyOnTheBus]) -> None:
    """A call that is under way gets its answer; the process ends by itself."""
    toy = start_toy("drain", LIAISON_DRAIN_SECONDS="8")
    uri = toy.user("caller", _REPLY, rf"^nameko-rpc$|{_REPLY}", rf"^nameko-rpc$|{_REPLY}", {"nameko-rpc": r"^toy\."})
    caller = Caller(uri, toy.statement())
    call = caller.send("nap", json.dumps({"args": [], "kwargs": {"query": {"seconds": "2"}}}).encode())
    napping = "SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND wait_event = 'PgSleep'"
    until(lambda: toy.as_superuser(napping.format(toy.sql("SELECT current_database()")[0][0])))
    ended: list[bool] = []
    stopping = threading.Thread(target=lambda: ended.append(toy.supervisor.stop("toy.1")))
    stopping.start()
    found = caller.answer(call)
    stopping.join()
    assert found is not None and found[0]["result"] == {"slept": True}
    assert ended == [True] and toy.supervisor.exit_code("toy.1") == 0
    until(lambda: '"drained"' in toy.log())
    caller.connection.close()
