"""Queues for other systems: made, read by clients that are not ours, and removed, whatever dies in between."""

import json
import re
import threading
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import jsonschema
import pika
import pytest
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker, ProbableAuthenticationError

from gateway.events import examples
from gateway.events.management import Management
from gateway.events.patterns import GRAMMAR, known_events
from shared.kernel.ids import new_event_id
from shared.schema.contract import Event
from tests.gateway.conftest import until
from tests.gateway.events import strangers
from tests.gateway.events.conftest import GatewayAlone, held
from tests.harness import message
from tests.suite import Refused

PATH = "/v1/event-subscriptions"


@pytest.fixture
def broker(alone: GatewayAlone) -> Management:
    return Management(alone.servers.management_url, alone.name)


def _made(alone: GatewayAlone, *bindings: str, **more: Any) -> dict[str, Any]:
    """A subscription that exists on the broker, with its password."""
    made: dict[str, Any] = alone.api.post(PATH, {"name": "ERP of a partner", "bindings": bindings or ["#"], **more})
    assert made["status"] == "creating" and made["password"]
    alone.api.eventually(f"{PATH}/{made['id']}", lambda shown: shown["status"] == "active")
    return made


def uri(subscription: dict[str, Any], password: str | None = None) -> str:
    parts = urlsplit(subscription["address"])
    place = f"{subscription['user']}:{password or subscription['password']}@{parts.netloc}"
    return urlunsplit(parts._replace(netloc=place))


def connected(uri: str) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.URLParameters(uri))


def _publish_everything(alone: GatewayAlone) -> list[tuple[type[Event], str]]:
    """One event of every type, in the name of the service that would."""
    sent = []
    for event in known_events():
        if event.service != "gateway":
            made = event.from_data(examples.data(event))
            event_id = new_event_id(event.full_type)
            alone.publish(message(made, event_id), key=event.type, user=event.service)
            sent.append((event, str(event_id)))
    return sent


@cache
def _fetched(base_url: str, dataschema: str) -> Any:
    return httpx.get(f"{base_url}/v1/event-types/{dataschema}/schema").json()


def _check(alone: GatewayAlone, key: str, body: str) -> str:
    """A message against the schema that its envelope names, fetched as a stranger does; returns its id."""
    event = json.loads(body)
    schema = _fetched(alone.base_url, event["dataschema"])
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(event["data"])
    assert schema["$id"] == event["dataschema"] and event["type"] == f"liaison.{key}.v1"
    assert re.fullmatch(GRAMMAR, key) and len(key) <= 255
    return str(event["id"])


def test_a_python_client_reads_what_it_subscribed_to(alone: GatewayAlone) -> None:
    subscription = _made(alone, "crm_sales.order.*", "erp_finance.#")
    sent = _publish_everything(alone)
    wanted = [event_id for event, event_id in sent if re.match(r"crm_sales\.order\.|erp_finance\.", event.type)]
    until(lambda: alone.api.get(f"{PATH}/{subscription['id']}")["messages"] == len(wanted))
    with connected(uri(subscription)) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=10)
        read = []
        for method, properties, body in channel.consume(subscription["queue"], inactivity_timeout=20):
            assert properties.content_type == "application/cloudevents+json"
            read.append(_check(alone, method.routing_key, body.decode()))
            channel.basic_ack(method.delivery_tag)
            if len(read) == len(wanted):
                break
        assert read == wanted
        shown = alone.api.eventually(f"{PATH}/{subscription['id']}", lambda s: s["consumers"] == 1)
        assert "password" not in shown and "password_hash" not in shown


def test_a_node_client_reads_live_and_replays_from_the_beginning(alone: GatewayAlone, node: Path) -> None:
    subscription = _made(alone, "#", replay=True)
    assert subscription["stream"] == "events.log"
    sent = [event_id for _, event_id in _publish_everything(alone)]
    given = {"uri": uri(subscription), "queue": subscription["queue"], "count": len(sent), "forbidden": True}
    live = strangers.run(node, "subscriber.mjs", given)
    assert [_check(alone, m["key"], m["content"]) for m in live["messages"]] == sent
    assert set(live["refusals"].values()) == {403}, live["refusals"]
    replayed = _replayed(alone, subscription)
    assert replayed[-len(sent) :] == sent and set(alone.stored()) <= set(replayed)
    given |= {"queue": "events.log", "count": len(replayed), "offset": "first", "forbidden": False}
    messages = strangers.run(node, "subscriber.mjs", given)["messages"]
    again = [json.loads(content)["id"] for _, content in _honest((m["key"], m["user"], m["content"]) for m in messages)]
    assert again and again == replayed[: len(again)]


def _honest(messages: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Key and content of the messages that are events; the tests of the store published a few that are none."""
    return [
        (key, content)
        for key, user, content in messages
        if f'"type":"liaison.{key}.v' in content and key.startswith(user)
    ]


def _replayed(alone: GatewayAlone, subscription: dict[str, Any]) -> list[str]:
    """The whole stream, from its first offset, with pika; every message checked."""
    found = []
    with connected(uri(subscription)) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=200)
        first = {"x-stream-offset": "first"}
        for method, properties, body in channel.consume("events.log", inactivity_timeout=2, arguments=first):
            if method is None:
                break
            channel.basic_ack(method.delivery_tag)
            found.append((method.routing_key, properties.user_id, body.decode()))
    return [_check(alone, key, content) for key, content in _honest(found)]


def test_it_may_do_nothing_but_read_its_queue(alone: GatewayAlone) -> None:
    subscription, other = _made(alone, "crm_sales.quote.accepted"), _made(alone, "crm_sales.quote.accepted")
    queue = subscription["queue"]
    attempts = {
        "another's queue": lambda c: c.basic_get(other["queue"]),
        "a service's queue": lambda c: c.basic_get("gateway.event_store"),
        "calls": lambda c: c.basic_get("rpc-gateway"),
        "the stream": lambda c: c.basic_get("events.log"),
        "publish": lambda c: c.basic_publish("events", "crm_sales.order.placed", b"{}"),
        "publish to a queue": lambda c: c.basic_publish("", queue, b"{}"),
        "call": lambda c: c.basic_publish("nameko-rpc", "gateway.list_events", b"{}"),
        "declare": lambda c: c.queue_declare("sub.mine"),
        "bind": lambda c: c.queue_bind(queue, "events", "#"),
        "delete": lambda c: c.queue_delete(queue),
        "declare an exchange": lambda c: c.exchange_declare("mine"),
    }
    found = {name: _refusal(uri(subscription), attempt) for name, attempt in attempts.items()}
    assert set(found.values()) == {403}, found
    assert _refusal(uri(subscription), lambda c: c.basic_get(queue)) == 0


def _refusal(uri: str, attempt: Any) -> int:
    try:
        with connected(uri) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            attempt(channel)
            return 0
    except ChannelClosedByBroker as refused:
        assert "ACCESS_REFUSED" in refused.reply_text
        return int(refused.reply_code)


def test_a_full_queue_loses_the_oldest_and_holds_up_nobody(alone: GatewayAlone) -> None:
    subscription = _made(alone, "crm_sales.order.held", max_length=5, message_ttl=600)
    sent = [held(f"SO-{n}") for n in range(20)]
    alone.publish(*(body for _, body in sent))
    until(lambda: alone.api.get(f"{PATH}/{subscription['id']}")["messages"] == 5)
    with connected(uri(subscription)) as connection:
        first = connection.channel().basic_get(subscription["queue"], auto_ack=True)[2]
    assert json.loads(first)["id"] == sent[15][0]


def test_a_new_password_ends_the_old_one(alone: GatewayAlone) -> None:
    subscription = _made(alone, "crm_sales.order.held")
    key = str(uuid4())
    rotated = alone.api.post(f"{PATH}/{subscription['id']}/rotate-password", key=key)
    again = alone.api.post(f"{PATH}/{subscription['id']}/rotate-password", key=key)
    assert rotated["password"] != subscription["password"] and again == {
        name: value for name, value in rotated.items() if name != "password"
    }
    alone.api.eventually(f"{PATH}/{subscription['id']}", lambda shown: shown["status"] == "active")
    connected(uri(subscription, rotated["password"])).close()
    with pytest.raises((ProbableAuthenticationError, AMQPConnectionError)):
        connected(uri(subscription))
    assert rotated["password"] not in str(alone.sql("gateway", "SELECT * FROM event_subscription"))
    assert rotated["password"] not in str(alone.sql("gateway", "SELECT * FROM idempotency"))
    assert rotated["password"] not in str(alone.sql("gateway", "SELECT * FROM audit"))


def test_deleting_ends_queue_user_and_connections(alone: GatewayAlone, broker: Management) -> None:
    subscription = _made(alone, "crm_sales.order.held")
    connection = connected(uri(subscription))
    version = alone.api.get(f"{PATH}/{subscription['id']}")["version"]
    alone.api.delete(f"{PATH}/{subscription['id']}", version)
    with pytest.raises(Refused) as gone:
        alone.api.get(f"{PATH}/{subscription['id']}")
    assert gone.value.status == 404
    assert subscription["id"] not in [row["id"] for row in alone.api.get(PATH, limit=200)["data"]]
    until(lambda: subscription["queue"] not in broker.queues() and subscription["user"] not in broker.users())
    with pytest.raises((ProbableAuthenticationError, AMQPConnectionError)):
        connected(uri(subscription))
    with pytest.raises(AMQPConnectionError):
        for _ in range(100):
            connection.process_data_events(0.1)


def test_it_lasts_as_long_as_its_owner_may_see_what_it_brings(alone: GatewayAlone, broker: Management) -> None:
    """Shut out, or without the permission: connections, user and bindings go within seconds, and come back with them."""
    owner = alone.user("subscriber@lamp.example", "admin")
    user_id = owner.get("/v1/me")["id"]
    subscription = owner.post(PATH, {"name": "of somebody", "bindings": ["crm_sales.order.held"]})
    lasting = _made(alone, "crm_sales.order.held")
    queue, path = subscription["queue"], f"{PATH}/{subscription['id']}"
    alone.api.eventually(path, lambda shown: shown["status"] == "active")
    kept, lost = held("SO-kept"), held("SO-lost")
    alone.publish(kept[1])
    for act, undo in (
        (
            lambda: alone.api.post(f"/v1/users/{user_id}/deactivate"),
            lambda: alone.api.post(f"/v1/users/{user_id}/activate"),
        ),
        (lambda: _roles(alone, user_id, "hr"), lambda: _roles(alone, user_id, "sales")),
    ):
        connection = connected(uri(subscription))
        begun = time.monotonic()
        act()
        with pytest.raises(AMQPConnectionError):
            for _ in range(100):
                connection.process_data_events(0.1)
        assert time.monotonic() - begun < 8
        alone.api.eventually(path, lambda shown: shown["status"] == "suspended")
        with pytest.raises((ProbableAuthenticationError, AMQPConnectionError)):
            connected(uri(subscription))
        assert queue in broker.queues() and subscription["user"] not in broker.users()
        alone.publish(lost[1])
        undo()
        alone.api.eventually(path, lambda shown: shown["status"] == "active")
    with connected(uri(subscription)) as connection:
        bodies = list(iter(lambda: connection.channel().basic_get(queue, auto_ack=True)[2], None))
    assert [json.loads(body)["id"] for body in bodies] == [kept[0]]
    assert alone.api.get(f"{PATH}/{lasting['id']}")["status"] == "active"


def _roles(alone: GatewayAlone, user_id: str, role: str) -> None:
    version = alone.api.get(f"/v1/users/{user_id}")["version"]
    alone.api.patch(f"/v1/users/{user_id}", {"roles": [role]}, version)


def test_one_made_with_a_key_brings_no_more_than_the_key_could_see(alone: GatewayAlone) -> None:
    owner = alone.user("owner-of-a-key@lamp.example", "admin")
    scopes = ["gateway.event_subscriptions:*", "sales.*:read"]
    key = owner.post("/v1/api-keys", {"name": "subscriber", "scopes": scopes})
    headers = {"Authorization": f"Bearer {key['secret']}"}
    body = {"name": "by key", "bindings": ["crm_sales.order.held"]}
    made = httpx.post(f"{alone.base_url}{PATH}", json=body, headers=headers).raise_for_status().json()
    alone.api.eventually(f"{PATH}/{made['id']}", lambda shown: shown["status"] == "active")
    limits = "SELECT limited_to, limited_companies FROM event_subscription WHERE id = %s"
    assert alone.sql("gateway", limits, made["id"])[0][0] is not None
    _roles(alone, owner.get("/v1/me")["id"], "hr")
    alone.api.eventually(f"{PATH}/{made['id']}", lambda shown: shown["status"] == "suspended")


def test_kill_9_at_any_moment(alone: GatewayAlone, broker: Management) -> None:
    """Both replicas die again and again while subscriptions are made and deleted; in the end rows and broker agree."""
    over, replicas = threading.Event(), ("gateway.service.1", "gateway.service.2")

    def shoot() -> None:
        alive = 0.7
        while not over.wait(alive):
            for process in replicas:
                if alone.supervisor.identity(process):
                    alone.kill(process)
            killed = time.monotonic()
            while not over.wait(0.05) and not any(alone.supervisor.is_ready(process) for process in replicas):
                pass
            alive = max(0.7, (time.monotonic() - killed) / 2)  # a busy machine needs longer for a command, too

    shooter = threading.Thread(target=shoot)
    shooter.start()
    kept, ended = [], []
    try:
        for number in range(8):
            made = _insist(lambda key, n=number: alone.api.post(PATH, {"name": f"s{n}", "bindings": ["#"]}, key=key))
            (kept if number % 2 else ended).append(made["queue"])
            if number % 2 == 0:
                _insist(lambda key, path=f"{PATH}/{made['id']}": _delete(alone, path, key))
    finally:
        over.set()
        shooter.join()
    unsettled = "SELECT count(*) FROM event_subscription WHERE status NOT IN ('active', 'suspended')"
    until(lambda: alone.sql("gateway", unsettled) == [(0,)], 60)
    until(lambda: set(kept) <= broker.queues() and not set(ended) & broker.queues(), 30)
    assert set(kept) <= broker.users() and not set(ended) & broker.users()


def _delete(alone: GatewayAlone, path: str, key: str) -> None:
    alone.api.http.delete(path, headers={"If-Match": "*", "Idempotency-Key": key}).raise_for_status()


def _insist(act: Any) -> Any:
    """The same request with the same key, until it is answered."""
    key, answer = str(uuid4()), []

    def tried() -> bool:
        try:
            answer.append(act(key))
        except Exception as error:
            status = getattr(error, "status", 0) or getattr(getattr(error, "response", None), "status_code", 0)
            if status == 404:
                answer.append(None)
                return True
            assert status in (409, 503, 504), error
            return False
        return True

    until(tried, 60)
    return answer[0]
