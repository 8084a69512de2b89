"""Copies taken in batches: what is true of events one by one stays true of many in one transaction."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pika
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.kernel.ids import new_event_id, new_id
from shared.messaging import together
from shared.schema.envelope import Received, read
from tests.harness import Harness, message
from tests.shared.conftest import ToyOnTheBus
from tests.shared.test_bus import QUICK, _without_faults
from tests.shared.toy.contract import ThingMade, ThingRenamed
from tests.shared.waiting import until


def named(name: str, thing: UUID | None = None, sequence: int = 1) -> bytes:
    event = ThingRenamed(thing_id=thing or new_id(), name=name)
    return message(event, new_event_id(event.full_type), sequence)


def take(toy: Harness, *bodies: bytes) -> list[int]:
    batch = [Received(read(body), body.decode()) for body in bodies]
    return together.take(toy.inbox, toy.consumers["mirror_thing"], batch)


def rows(toy: Harness, statement: str) -> list[Any]:
    with toy.session() as session:
        return list(session.execute(text(statement)).all())


def names(toy: Harness) -> list[str]:
    return [name for (name,) in rows(toy, "SELECT name FROM mirror ORDER BY name")]


def test_a_batch_is_claimed_and_written(toy: Harness) -> None:
    bodies = [named(f"lamp {n}") for n in range(5)]
    assert take(toy, *bodies) == []
    assert names(toy) == [f"lamp {n}" for n in range(5)]
    assert rows(toy, "SELECT DISTINCT consumer, state, attempts, producer FROM inbox") == [
        ("mirror_thing", "done", 1, "toy")
    ]
    ids = {UUID(json.loads(body)["id"]) for body in bodies}
    assert all(toy.inbox.applied.count(event_id) == 1 for event_id in ids)
    claimed = rows(
        toy, "SELECT event_id, sequence, aggregate_id FROM inbox JOIN consumer_position USING (aggregate_id, sequence)"
    )
    assert {row.event_id for row in claimed} == ids


def test_a_batch_leaves_the_same_row_as_one_event_alone(toy: Harness) -> None:
    alone, other = named("alone"), named("together")
    assert toy.inbox.deliver(toy.consumers["mirror_thing"], alone, "toy") == "done" and take(toy, other) == []
    columns = "type, producer, sequence, state, attempts, next_attempt_at, error_code, envelope, octet_length(sha256)"
    assert len(rows(toy, f"SELECT DISTINCT {columns} FROM inbox")) == 1


def test_duplicates_within_a_batch_and_across_have_no_effect(toy: Harness) -> None:
    first, second, third = named("a"), named("b"), named("c")
    assert take(toy, first, second, first) == [2]
    before = rows(toy, "SELECT * FROM inbox ORDER BY event_id")
    assert take(toy, second, third, first) == [0, 2]
    assert take(toy, second, third) == [0, 1]
    assert [r for r in rows(toy, "SELECT * FROM inbox ORDER BY event_id") if r in before] == before
    assert names(toy) == ["a", "b", "c"]
    deliver = toy.inbox.deliver
    assert [deliver(toy.consumers["mirror_thing"], body, "toy") for body in (first, third)] == ["duplicate"] * 2


def test_only_the_newest_of_an_aggregate_is_written(toy: Harness) -> None:
    thing = new_id()
    assert take(toy, *[named(f"name {n}", thing, n) for n in (3, 5, 4)]) == [] and names(toy) == ["name 5"]
    assert take(toy, named("name 2", thing, 2), named("another")) == []
    assert take(toy, named("name 6", thing, 6), named("name 1", thing, 1)) == []
    assert names(toy) == ["another", "name 6"]
    assert rows(toy, "SELECT count(*) FROM inbox WHERE state = 'done'") == [(7,)]


def test_two_events_with_the_same_number_are_one_copy(toy: Harness) -> None:
    """A producer's mistake: either may win, as when they come one by one, but nothing fails."""
    thing = new_id()
    assert take(toy, named("one", thing, 1), named("two", thing, 1)) == []
    assert len(names(toy)) == 1 and rows(toy, "SELECT count(*) FROM inbox") == [(2,)]


def test_other_content_under_a_known_id_is_left_to_the_inbox(toy: Harness) -> None:
    event = ThingRenamed(thing_id=new_id(), name="lamp")
    event_id = new_event_id(event.full_type)
    forged = message(ThingRenamed(thing_id=event.thing_id, name="forged"), event_id, 2)
    assert take(toy, message(event, event_id), forged) == [1] and take(toy, named("lamp 2"), forged) == [1]
    assert toy.inbox.deliver(toy.consumers["mirror_thing"], forged, "toy") == "parked"
    assert names(toy) == ["lamp", "lamp 2"]


def test_what_waits_for_its_next_attempt_is_left_to_the_inbox(toy: Harness) -> None:
    body = named("invisible")
    assert toy.inbox.deliver(toy.consumers["mirror_thing"], body, "toy") == "retry"
    assert take(toy, body, named("lamp")) == [0]
    assert rows(toy, "SELECT state FROM inbox ORDER BY state") == [("done",), ("retry",)]


def test_what_one_of_them_fails_at_has_no_effect_for_any(toy: Harness) -> None:
    with pytest.raises(IntegrityError):
        take(toy, named("lamp"), named("invisible"))
    assert names(toy) == [] and rows(toy, "SELECT 1 FROM inbox") == rows(toy, "SELECT 1 FROM consumer_position") == []


# -- over the broker --------------------------------------------------------------------------------------------------


def publish(toy: ToyOnTheBus, bodies: list[bytes]) -> None:
    """As the toy itself would, but all at once; only the mirror listens to this type."""
    connection = pika.BlockingConnection(pika.URLParameters(toy.uri_of("toy")))
    channel = connection.channel()
    channel.confirm_delivery()
    for body in bodies:
        channel.basic_publish("events", "toy.thing.renamed", body, pika.BasicProperties(user_id="toy"), mandatory=True)
    connection.close()


def told(toy: ToyOnTheBus, statement: str) -> list[tuple[Any, ...]]:
    return toy.sql(f"SELECT {statement} FROM inbox WHERE consumer = 'mirror_thing'")


def mirrored(toy: ToyOnTheBus) -> set[str]:
    return {name for (name,) in toy.sql("SELECT name FROM mirror")}


def transactions(toy: ToyOnTheBus) -> float:
    return toy.metric('bus_handler_seconds_count{consumer="mirror_thing"}')


def acknowledged(toy: ToyOnTheBus) -> bool:
    """Nothing waits in the queue, and nothing that was taken from it is still open. The service is started again."""
    toy.supervisor.stop("toy.1")
    connection = pika.BlockingConnection(pika.URLParameters(toy.amqp_uri))
    left = connection.channel().queue_declare("toy.mirror_thing", passive=True).method.message_count
    connection.close()
    toy.supervisor.start("toy.1")
    toy.supervisor.wait_ready(timeout=60)
    return bool(left == 0)


def test_what_waits_is_taken_together(start_toy: Callable[..., ToyOnTheBus]) -> None:
    """Then a batch with every kind of trouble: only what is wrong is put aside, all else has its effect."""
    toy = start_toy("batches", **QUICK)
    toy.supervisor.stop("toy.1")
    thing = new_id()
    bodies = [named(f"lamp {n}") for n in range(300)]
    publish(toy, [*bodies, named("newer", thing, 2), *bodies[:20], named("older", thing, 1)])
    toy.supervisor.start("toy.1")
    toy.supervisor.wait_ready(timeout=60)
    until(lambda: told(toy, "count(*)") == [(302,)])
    until(lambda: toy.metric('bus_consumed_total{consumer="mirror_thing",result="duplicate"}') == 20)
    assert mirrored(toy) == {f"lamp {n}" for n in range(300)} | {"newer"}
    assert transactions(toy) < 60
    toy.supervisor.stop("toy.1")
    made = ThingMade(thing_id=new_id(), name="forged", amount=Decimal(1))
    forged = json.dumps(json.loads(message(made, new_event_id(made.full_type))) | {"source": "/liaison/else"}).encode()
    publish(toy, [named("a"), b"no event", named("b"), named("invisible"), forged, named("c"), bodies[0], named("d")])
    toy.supervisor.start("toy.1")
    until(lambda: {"a", "b", "c", "d"} <= mirrored(toy))
    parked = until(
        lambda: told(toy, "error_code, attempts, state"), lambda all: sum(s == "parked" for *_, s in all) == 3
    )
    troubles = sorted(row for row in parked if row[2] != "done")
    assert troubles == [("IntegrityError", 4, "parked"), ("undecodable", 1, "parked"), ("wrong_source", 1, "parked")]
    assert told(toy, "count(*)") == [(302 + 4 + 3,)]
    until(lambda: acknowledged(toy), timeout=60)


def test_a_kill_between_commit_and_acknowledgement_is_harmless(start_toy: Callable[..., ToyOnTheBus]) -> None:
    toy = start_toy("killed", LIAISON_FAULT="after_batch_before_ack:1:kill")
    publish(toy, [named(f"lamp {n}") for n in range(200)])
    until(lambda: toy.supervisor.restarts("toy.1") >= 1)
    assert told(toy, "count(*) > 0") == [(True,)]
    toy.supervisor.stop("toy.1")
    _without_faults(toy)
    toy.supervisor.start("toy.1")
    toy.supervisor.wait_ready(timeout=60)
    until(lambda: told(toy, "count(*)") == [(200,)])
    until(lambda: toy.metric('bus_consumed_total{consumer="mirror_thing",result="duplicate"}') > 0)
    assert len(mirrored(toy)) == 200 and told(toy, "DISTINCT state, attempts") == [("done", 1)]
    until(lambda: acknowledged(toy), timeout=60)
