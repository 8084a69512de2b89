"""Events that wait together share a transaction (`locks=`): what is true of each alone stays true."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pika
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.api.handlers import Handler
from shared.kernel.context import current
from shared.kernel.ids import new_event_id, new_id
from shared.messaging import together
from shared.schema.envelope import Received, read
from shared.storage.outbox import publish
from tests.harness import Harness, message
from tests.shared.conftest import ToyOnTheBus
from tests.shared.test_bus import QUICK, _without_faults
from tests.shared.toy.contract import ThingBroken, ThingMade
from tests.shared.toy.models import Note
from tests.shared.waiting import until


def made(name: str, thing: UUID | None = None) -> bytes:
    event = ThingMade(thing_id=thing or new_id(), name=name, amount=Decimal(1))
    return message(event, new_event_id(event.full_type))


def id_of(body: bytes) -> str:
    return str(json.loads(body)["id"])


class Probe:
    """A handler that notes what it is given, writes a row and publishes an event."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, UUID, int]] = []
        self.handler = Handler("event", "probe", self.handle, events=(ThingMade,), locks="thing_id")

    def handle(self, _: object, session: Session, event: ThingMade) -> None:
        if event.name == "poison":
            raise RuntimeError
        self.seen.append((current(session).causation_id, event.thing_id, len(session.identity_map)))
        session.add(Note(thing_id=event.thing_id, what=event.name))
        publish(session, ThingBroken(thing_id=event.thing_id))


def take(toy: Harness, probe: Probe, *bodies: bytes) -> list[int]:
    return together.take(toy.inbox, probe.handler, [Received(read(body), body.decode()) for body in bodies])


def rows(toy: Harness, statement: str) -> list[Any]:
    with toy.session() as session:
        return list(session.execute(text(statement)).all())


def test_each_is_handled_with_its_own_context_in_the_order_of_what_is_locked(toy: Harness) -> None:
    """And nothing that one of them loaded is in the session of the next, which might be outdated there."""
    things = [UUID(int=number, version=4) for number in (3, 1, 2, 1)]
    bodies = [made(f"lamp {place}", thing) for place, thing in enumerate(things)]
    probe = Probe()
    assert take(toy, probe, *bodies) == []
    assert probe.seen == [(id_of(bodies[place]), things[place], 0) for place in (1, 3, 2, 0)]
    caused = rows(toy, "SELECT envelope::jsonb ->> 'causationid', aggregate_id, sequence FROM outbox ORDER BY id")
    assert [tuple(row) for row in caused] == [
        (id_of(bodies[place]), things[place], 2 if place == 3 else 1) for place in (1, 3, 2, 0)
    ]
    states = "SELECT consumer, state, attempts, count(DISTINCT xmin::text), count(*) FROM inbox GROUP BY 1, 2, 3"
    assert rows(toy, states) == [("probe", "done", 1, 1, 4)]
    assert all(toy.inbox.applied.count(UUID(id_of(body))) == 1 for body in bodies)


def test_what_was_handled_is_not_handled_again(toy: Harness) -> None:
    """Duplicates within what waits and across are left to the inbox, which knows them."""
    first, second, third = made("a"), made("b"), made("c")
    probe = Probe()
    assert take(toy, probe, first, second, first) == [2]
    assert take(toy, probe, second, third, first) == [0, 2]
    assert [toy.inbox.deliver(probe.handler, body, "toy") for body in (first, third)] == ["duplicate"] * 2
    assert rows(toy, "SELECT what FROM effect ORDER BY what") == [("a",), ("b",), ("c",)]


def test_where_one_fails_none_has_an_effect(toy: Harness) -> None:
    with pytest.raises(RuntimeError):
        take(toy, Probe(), made("a"), made("poison"), made("b"))
    for table in ("inbox", "effect", "outbox"):
        assert rows(toy, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_declaration_cannot_want_both_copies_and_locks() -> None:
    from shared.flows.entrypoints import subscribe

    with pytest.raises(ValueError):
        subscribe(ThingMade, order="latest", locks="thing_id")


# -- over the broker --------------------------------------------------------------------------------------------------


def publish_all(toy: ToyOnTheBus, bodies: list[bytes]) -> None:
    """As the toy itself would, while it does not run."""
    connection = pika.BlockingConnection(pika.URLParameters(toy.uri_of("toy")))
    channel = connection.channel()
    channel.confirm_delivery()
    for body in bodies:
        channel.basic_publish("events", "toy.thing.made", body, pika.BasicProperties(user_id="toy"), mandatory=True)
    connection.close()


def noted(toy: ToyOnTheBus, statement: str) -> list[tuple[Any, ...]]:
    return toy.sql(f"SELECT {statement} FROM inbox WHERE consumer = 'note_made'")


def test_what_waits_shares_transactions_and_only_the_poison_is_parked(start_toy: Callable[..., ToyOnTheBus]) -> None:
    """One of two hundred always fails, one comes too early, one is no event: the others have their effects, once each."""
    toy = start_toy("sharing", **QUICK)
    toy.supervisor.stop("toy.1")
    bodies = [made(f"lamp {number}") for number in range(200)]
    trouble = [made("explosive lamp"), b"no event", made("early lamp")]
    publish_all(toy, [*bodies[:90], *trouble, *bodies[90:], *bodies[:10]])
    toy.supervisor.start("toy.1")
    toy.supervisor.wait_ready(timeout=60)
    until(lambda: noted(toy, "count(*) FILTER (WHERE state = 'done')") == [(200,)], timeout=60)
    until(lambda: toy.metric('bus_consumed_total{consumer="note_made",result="duplicate"}') == 10)
    assert toy.sql("SELECT count(*), count(DISTINCT thing_id) FROM effect") == [(200, 200)]
    shared = "SELECT count(DISTINCT xmin::text) FROM inbox WHERE consumer = 'note_made' AND state = 'done'"
    assert toy.sql(shared)[0][0] < 100
    troubles = "array_agg(error_code ORDER BY error_code) FILTER (WHERE state = 'parked')"
    until(lambda: noted(toy, troubles) == [(["RuntimeError", "not_yet", "undecodable"],)], timeout=60)
    assert toy.sql("SELECT count(*) FROM effect") == [(200,)]


@pytest.mark.parametrize("point", ["before_commit:2:kill", "after_commit_before_ack:3:kill"])
def test_a_kill_amid_what_shares_a_transaction_is_harmless(start_toy: Callable[..., ToyOnTheBus], point: str) -> None:
    """Before the commit none of them has happened, after it all have; what comes again is known."""
    toy = start_toy(f"shared_{point.split(':')[0]}", LIAISON_FAULT=point)
    publish_all(toy, [made(f"lamp {number}") for number in range(100)])
    until(lambda: toy.supervisor.restarts("toy.1") >= 1)
    toy.supervisor.stop("toy.1")
    _without_faults(toy)
    toy.supervisor.start("toy.1")
    toy.supervisor.wait_ready(timeout=60)
    until(lambda: noted(toy, "count(*), bool_and(state = 'done')") == [(100, True)], timeout=60)
    assert toy.sql("SELECT count(*), count(DISTINCT thing_id) FROM effect") == [(100, 100)]
