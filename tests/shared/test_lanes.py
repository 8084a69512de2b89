"""What jobs publish lets everything else pass, and no event overtakes an earlier one of its aggregate."""

import json
import random
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pika
import psycopg2
from psycopg2.extras import execute_values

from shared.kernel.ids import new_event_id, new_id
from tests.harness import message
from tests.shared.conftest import ToyOnTheBus
from tests.shared.toy.contract import ThingRenamed
from tests.shared.waiting import until

_INSERT = "INSERT INTO outbox (event_id, type, routing_key, aggregate_id, sequence, envelope, bulk) VALUES %s"


def write(toy: ToyOnTheBus, rows: Iterable[tuple[UUID, bool]]) -> list[str]:
    """Outbox rows of these aggregates in these lanes, in one transaction; returns the names that they tell in order."""
    counts: dict[UUID, int] = {}
    values, names = [], []
    for place, (thing, bulk) in enumerate(rows):
        counts[thing] = counts.get(thing, 0) + 1
        event = ThingRenamed(thing_id=thing, name=f"{place}")
        event_id = new_event_id(event.full_type)
        body = message(event, event_id, counts[thing]).decode()
        values.append((str(event_id), event.full_type, event.type, str(thing), counts[thing], body, bulk))
        names.append(event.name)
    with psycopg2.connect(toy.urls.owner) as connection, connection.cursor() as cursor:
        execute_values(cursor, _INSERT, values, page_size=len(values))
    connection.close()
    return names


def sent(toy: ToyOnTheBus, channel: Any, count: int) -> list[dict[str, Any]]:
    """Start the relay; the events in the order in which it published them."""
    toy.supervisor.start("toy.1")
    until(lambda: toy.sql("SELECT count(*) FROM outbox WHERE state = 'new'") == [(0,)])
    return [json.loads(channel.basic_get("listener.all", auto_ack=True)[2]) for _ in range(count)]


def test_lanes(start_toy: Callable[..., ToyOnTheBus]) -> None:
    toy = start_toy("lanes")
    toy.supervisor.stop("toy.1")
    connection = pika.BlockingConnection(pika.URLParameters(toy.amqp_uri))
    channel = connection.channel()
    channel.queue_declare("listener.all")
    channel.queue_bind("listener.all", "events", "toy.thing.renamed")
    _others_pass(toy, channel)
    _nothing_overtakes_within_an_aggregate(toy, channel)
    _the_mark_follows_the_order_of_sending(toy, channel)
    channel.queue_delete("listener.all")
    connection.close()


def _others_pass(toy: ToyOnTheBus, channel: Any) -> None:
    """Before a long import come a stranger to it, and one whose earlier event stands deep in the import's lane."""
    things = [new_id() for _ in range(900)]
    names = write(toy, [*((thing, True) for thing in things), (new_id(), False), (things[700], False)])
    names_sent = [event["data"]["name"] for event in sent(toy, channel, len(names))]
    assert names_sent[:3] == ["700", "900", "901"]
    assert names_sent[3:] == [name for name in names if name not in names_sent[:3]]


def _nothing_overtakes_within_an_aggregate(toy: ToyOnTheBus, channel: Any) -> None:
    toy.supervisor.stop("toy.1")
    chosen = random.Random(7)
    things = [new_id() for _ in range(60)]
    names = write(toy, ((chosen.choice(things), chosen.random() < 0.7) for _ in range(2500)))
    events = sent(toy, channel, len(names))
    assert sorted(event["data"]["name"] for event in events) == sorted(names)
    told: dict[str, list[int]] = {}
    for event in events:
        told.setdefault(event["subject"], []).append(int(event["sequence"]))
    assert all(sequences == sorted(sequences) for sequences in told.values())


def _the_mark_follows_the_order_of_sending(toy: ToyOnTheBus, channel: Any) -> None:
    """PostgreSQL marks a batch in the order in which the rows lie in the table, which is another one here."""
    toy.supervisor.stop("toy.1")
    thing = new_id()
    names = write(toy, [(thing, False)] * 400)
    own = f"WHERE aggregate_id = '{thing}'"
    with psycopg2.connect(toy.urls.owner) as connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE outbox SET envelope = envelope {own} AND sequence <= 200")
    connection.close()
    assert [event["data"]["name"] for event in sent(toy, channel, len(names))] == names
    wrong = "SELECT count(*) FROM (SELECT published_at < lag(published_at) OVER (ORDER BY id) AS back FROM outbox"
    assert toy.sql(f"{wrong} {own}) AS marks WHERE back") == [(0,)]
