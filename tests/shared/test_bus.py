"""Events over the real broker: relay, consumers, replicas, strangers, timers."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pika
import psycopg2
import pytest

from deploy.local.backoff import Backoff
from shared.kernel.ids import new_event_id, new_id
from tests.harness import message
from tests.shared.conftest import ToyOnTheBus
from tests.shared.test_rpc import _REPLY, Caller
from tests.shared.toy.contract import ThingMade
from tests.shared.toy.service import SECRET
from tests.shared.waiting import until

QUICK = {"LIAISON_RETRY_SECONDS": "0.3,0.3,0.3", "LIAISON_NOT_YET_SECONDS": "0.1,0.2,0.4,0.8,1.6"}


@pytest.fixture(scope="module")
def toy_bus(start_toy: Callable[..., ToyOnTheBus]) -> ToyOnTheBus:
    return start_toy("bus", replicas=2, **QUICK)


@pytest.fixture
def call(toy_bus: ToyOnTheBus) -> Any:
    uri = toy_bus.user(
        "caller", _REPLY, rf"^nameko-rpc$|{_REPLY}", rf"^nameko-rpc$|{_REPLY}", {"nameko-rpc": r"^toy\."}
    )
    caller = Caller(uri, toy_bus.statement())
    yield caller.call
    caller.connection.close()


def publish(toy: ToyOnTheBus, body: bytes, key: str = "toy.thing.made", **properties: Any) -> None:
    """As the toy's own broker user, confirmed."""
    connection = pika.BlockingConnection(pika.URLParameters(toy.uri_of("toy")))
    channel = connection.channel()
    channel.confirm_delivery()
    given = {"user_id": "toy", **properties}
    channel.basic_publish("events", key, body, pika.BasicProperties(**given), mandatory=True)
    connection.close()


def made(name: str) -> bytes:
    from decimal import Decimal

    event = ThingMade(thing_id=new_id(), name=name, amount=Decimal("0.1"))
    return message(event, new_event_id(event.full_type))


_UNHEARD = (
    "SELECT count(*) FROM outbox o WHERE type LIKE '%thing.made%' AND NOT EXISTS"
    " (SELECT 1 FROM inbox i WHERE i.event_id = o.event_id AND consumer = 'note_made')"
)


def settled(toy: ToyOnTheBus) -> None:
    until(lambda: toy.sql("SELECT count(*) FROM outbox WHERE state = 'new'") == [(0,)])
    until(lambda: toy.sql(_UNHEARD) == [(0,)])


def test_each_event_has_one_effect_across_replicas(toy_bus: ToyOnTheBus, call: Any) -> None:
    before = toy_bus.sql("SELECT count(*) FROM effect")[0][0]
    for number in range(40):
        call("create_thing", body={"name": f"lamp {number}"})
    settled(toy_bus)
    assert toy_bus.sql("SELECT count(*) - %s FROM effect", before) == [(40,)]
    assert toy_bus.sql("SELECT count(DISTINCT state) FROM outbox") == [(1,)]


def test_the_replica_that_does_not_relay_tells_the_one_that_does(toy_bus: ToyOnTheBus, call: Any) -> None:
    """By NOTIFY outside the transactions of its commands; the one that relays tells nobody."""
    listener = psycopg2.connect(toy_bus.urls.owner)
    listener.autocommit = True
    listener.cursor().execute("LISTEN outbox")
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    found = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4218 AND granted AND {here}"
    ((relays,),) = toy_bus.sql(found)
    for number in range(20):
        call("create_thing", body={"name": f"candle {number}"})
    until(lambda: listener.poll() or [notified.pid for notified in listener.notifies])
    assert relays not in {notified.pid for notified in listener.notifies}
    settled(toy_bus)
    assert len(listener.notifies) <= 20
    listener.close()


def test_a_stranger_reads_valid_cloudevents(toy_bus: ToyOnTheBus, call: Any) -> None:
    """A plain client with its own user and its own queue; it shares no code with us."""
    uri = toy_bus.user("stranger", r"^stranger\..*$", r"^stranger\..*$", r"^(events|stranger\..*)$", {"events": "^$"})
    connection = pika.BlockingConnection(pika.URLParameters(uri))
    channel = connection.channel()
    channel.queue_declare("stranger.things", exclusive=True)
    channel.queue_bind("stranger.things", "events", "toy.thing.*")
    thing = call("create_thing", body={"name": "lampe à huile", "amount": "3"})["result"]
    method, properties, body = until(lambda: channel.basic_get("stranger.things", auto_ack=True), lambda got: got[0])
    event = json.loads(body)
    assert properties.content_type == "application/cloudevents+json" and properties.message_id == event["id"]
    assert method.routing_key == "toy.thing.made" and properties.user_id == "toy" and properties.delivery_mode == 2
    _is_cloudevent(event)
    assert event["data"] == {"thing_id": thing["id"], "name": "lampe à huile", "amount": "3"}
    channel.confirm_delivery()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        channel.basic_publish("events", "toy.thing.made", body)
    connection.close()


def _is_cloudevent(event: dict[str, Any]) -> None:
    """CloudEvents 1.0, sections 2.1 and 3.1: required attributes, names, types."""
    assert event["specversion"] == "1.0"
    UUID(event["id"])
    assert event["source"] and event["type"] == "liaison.toy.thing.made.v1"
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    assert event["datacontenttype"] == "application/json" and isinstance(event["data"], dict)
    attributes = {name: value for name, value in event.items() if name != "data"}
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in attributes)
    assert all(isinstance(value, str) and value for value in attributes.values())
    assert event["dataschema"].startswith("urn:") and event["sequence"].isdecimal()


def test_bytes_that_are_no_event_are_parked_and_never_logged(toy_bus: ToyOnTheBus) -> None:
    marker = f"marker-{uuid4()}"
    for body in (marker.encode(), b"\x80\x04\x95" + marker.encode(), json.dumps({"x": marker}).encode()):
        publish(toy_bus, body, content_type="application/x-python-serialize")
    large = json.dumps({"specversion": "1.0", "padding": marker + "x" * 3_000_000}).encode()
    publish(toy_bus, large)
    parked = "SELECT count(*) FROM inbox WHERE state = 'parked' AND position(%s::bytea in envelope) > 0"
    until(lambda: toy_bus.sql(parked, marker.encode()) == [(8,)])
    assert marker not in toy_bus.log()


def test_a_poison_event_is_parked_after_exactly_its_attempts(toy_bus: ToyOnTheBus) -> None:
    body = made("explosive lamp")
    event_id = json.loads(body)["id"]
    publish(toy_bus, body)
    kept = "SELECT state, attempts, error_code FROM inbox WHERE consumer = 'note_made' AND event_id = %s"
    assert until(lambda: toy_bus.sql(kept, event_id), lambda rows: bool(rows) and rows[0][0] == "parked") == [
        ("parked", 4, "RuntimeError")
    ]
    assert SECRET not in toy_bus.log()


def test_a_deadly_event_is_parked_and_its_neighbours_live(start_toy: Callable[..., ToyOnTheBus]) -> None:
    """It kills the process a few times; the supervisor starts it again, and the message is recognised."""
    toy = start_toy("deadly", **QUICK)
    toy.supervisor._children["toy.1"].backoff = Backoff(first=0.1, longest=0.1)
    for name in ("lamp", "deadly lamp", "lamp", "lamp"):
        publish(toy, made(name))
    kept = "SELECT consumer, error_code FROM inbox WHERE state <> 'done'"
    until(lambda: toy.sql(kept), lambda rows: rows == [("note_made", "crashes_the_process")], timeout=120)
    until(lambda: toy.sql("SELECT count(*) FROM effect") == [(3,)])


def test_an_event_before_its_consumer_ran_waits_for_it(start_toy: Callable[..., ToyOnTheBus]) -> None:
    """The topology step declares queues; a consumer may come later."""
    toy = start_toy("later")
    toy.supervisor.stop("toy.1")
    publish(toy, made("lamp"))
    toy.supervisor.start("toy.1")
    until(lambda: toy.sql("SELECT count(*) FROM effect") == [(1,)])


def test_what_was_committed_while_the_relay_was_dead_is_sent(start_toy: Callable[..., ToyOnTheBus]) -> None:
    toy = start_toy("pending", LIAISON_FAULT="relay_before_publish:1:kill")
    uri = toy.user("caller", _REPLY, rf"^nameko-rpc$|{_REPLY}", rf"^nameko-rpc$|{_REPLY}", {"nameko-rpc": r"^toy\."})
    caller = Caller(uri, toy.statement())
    caller.send("create_thing", json.dumps({"args": [], "kwargs": {"body": {"name": "lamp"}}}).encode())
    until(lambda: toy.supervisor.restarts("toy.1") >= 1)
    assert toy.sql("SELECT state FROM outbox") == [("new",)]
    _without_faults(toy)
    until(lambda: toy.sql("SELECT count(*) FROM effect") == [(1,)])
    caller.connection.close()


def _without_faults(toy: ToyOnTheBus) -> None:
    for child in toy.supervisor._children.values():
        dict.pop(child.spec.env, "LIAISON_FAULT", None)  # type: ignore[arg-type]


def test_an_unroutable_event_is_marked_and_told(start_toy: Callable[..., ToyOnTheBus]) -> None:
    """Nothing takes it: it is not counted as sent, and can be published again when the topology is right."""
    toy = start_toy("unroutable")
    connection = pika.BlockingConnection(pika.URLParameters(toy.amqp_uri))
    channel = connection.channel()
    for queue in ("toy.note_made", "toy.mirror_thing"):
        channel.queue_unbind(queue, "events", "toy.thing.made")
    channel.queue_unbind("events.log", "events", "#")
    uri = toy.user("caller", _REPLY, rf"^nameko-rpc$|{_REPLY}", rf"^nameko-rpc$|{_REPLY}", {"nameko-rpc": r"^toy\."})
    caller = Caller(uri, toy.statement())
    caller.call("create_thing", body={"name": "lamp"})
    until(lambda: toy.sql("SELECT state FROM outbox") == [("unroutable",)])
    assert toy.metric('bus_relay_published_total{result="unroutable"') == 1
    until(lambda: "unroutable event" in toy.log())
    toy.declare()
    toy.sql("UPDATE outbox SET state = 'new'")
    until(lambda: toy.sql("SELECT state FROM outbox") == [("published",)])
    until(lambda: toy.sql("SELECT count(*) FROM effect") == [(1,)])
    connection.close()
    caller.connection.close()


def test_a_timer_runs_once_per_period_whatever_the_replicas(toy_bus: ToyOnTheBus) -> None:
    """One second is its period; two replicas look for it."""
    first = toy_bus.sql("SELECT count(*), clock_timestamp() FROM run")[0]
    time.sleep(6)
    last = toy_bus.sql("SELECT count(*), clock_timestamp() FROM run")[0]
    seconds = (last[1] - first[1]).total_seconds()
    assert 2 <= last[0] - first[0] <= seconds + 1


def test_probes_and_metrics_answer(toy_bus: ToyOnTheBus) -> None:
    assert toy_bus.metric("bus_consumed_total") > 0
    assert all(toy_bus.supervisor.is_ready(name) for name in toy_bus.health)


# -- A11: the database goes away --------------------------------------------------------------------------------------


def _listening(toy: ToyOnTheBus) -> list[tuple[Any, ...]]:
    """The server's processes behind connections that listen."""
    database = urlsplit(toy.urls.owner).path[1:]
    asked = f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND query = 'LISTEN outbox'"
    return toy.as_superuser(asked)


def _unstructured(log: str) -> list[str]:
    """Lines that are no JSON, from the first JSON line on: before it speak Python and libraries while they are loaded."""
    lines = [line for line in log.split("\n") if line]
    begun = next(n for n, line in enumerate(lines) if line.startswith("{"))
    return [line for line in lines[begun:] if not line.startswith("{")]


def test_the_relay_listens_again_when_its_connection_breaks(toy_bus: ToyOnTheBus, call: Any) -> None:
    """A11: only that connection ends; a commit of the other replica is heard of on the next one."""
    broken = until(lambda: _listening(toy_bus), bool)
    toy_bus.as_superuser(f"SELECT pg_terminate_backend({broken[0][0]})")
    until(lambda: _listening(toy_bus), lambda rows: bool(rows) and rows != broken)
    call("create_thing", body={"name": "heard lamp"})
    settled(toy_bus)
    assert not [line for name in toy_bus.health for line in _unstructured(toy_bus.supervisor.log_of(name).read_text())]


def test_while_the_database_is_away_logs_stay_structured(toy_bus: ToyOnTheBus, call: Any) -> None:
    """A11: no traceback as it is, which would hold whatever the exception says; afterwards everything goes on."""
    database = toy_bus.sql("SELECT current_database()")[0][0]
    before = {name: toy_bus.supervisor.identity(name) for name in toy_bus.health}
    toy_bus.as_superuser(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
    try:
        toy_bus.as_superuser(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        publish(toy_bus, made("lamp that waits"))
        assert call("create_thing", body={"name": "refused lamp"})["error"] is not None
        time.sleep(3)
    finally:
        toy_bus.as_superuser(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    until(lambda: _listening(toy_bus), bool)
    assert call("create_thing", body={"name": "lamp"})["error"] is None
    settled(toy_bus)
    assert "database away" in toy_bus.log() and "relay interrupted" in toy_bus.log()
    assert {name: toy_bus.supervisor.identity(name) for name in toy_bus.health} == before
    for name in toy_bus.health:
        assert _unstructured(toy_bus.supervisor.log_of(name).read_text()) == [], name
