"""The store of all events: each once, in one order that readers can trust."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import psycopg2
import pytest
from sqlalchemy import text

from gateway.events import store
from gateway.service import Gateway
from shared.kernel import clock
from shared.schema import envelope
from tests.conftest import Databases
from tests.gateway.conftest import until
from tests.gateway.events.conftest import GatewayAlone, held
from tests.harness import Harness


@pytest.fixture
def service(databases: Databases) -> Iterator[Harness]:
    urls = databases.fresh("gateway")
    harness = Harness(Gateway, urls.application)
    yield harness
    harness.close()
    databases.drop(urls)


def _ids(service: Harness) -> list[str]:
    with service.session() as session:
        return list(session.execute(text("SELECT event_id::text FROM event_store ORDER BY position")).scalars())


def test_a_batch_keeps_its_order_and_an_event_comes_in_once(service: Harness) -> None:
    first, second, third = held(), held(), held()
    service.record("event_store", first[1], second[1], first[1])
    service.record("event_store", second[1], third[1])
    assert _ids(service) == [first[0], second[0], third[0]]
    with service.session() as session:
        row = session.execute(text("SELECT * FROM event_store ORDER BY position LIMIT 1")).one()
    assert (row.type, row.routing_key) == ("liaison.crm_sales.order.held.v1", "crm_sales.order.held")
    assert (row.service, row.aggregate) == ("crm_sales", "order") and row.envelope.encode() == first[1]


def test_old_events_are_forgotten_and_do_not_come_back(service: Harness) -> None:
    old, new = held(), held()
    service.record("event_store", old[1])
    with service.session() as session:
        session.execute(text("UPDATE event_store SET stored_at = now() - interval '91 days'"))
        session.commit()
    service.record("event_store", new[1])
    service.tick("forget_old_events")
    assert _ids(service) == [new[0]]
    with clock.shifted(timedelta(days=store.DAYS + 1)):
        service.record("event_store", old[1])
    assert _ids(service) == [new[0]]


def test_no_row_appears_below_one_that_was_seen(service: Harness) -> None:
    """The second writer waits for the first to commit, although its event came later and its work is done sooner."""
    early, late = held(), held()
    received = envelope.Received(envelope.read(early[1]), early[1].decode())
    with service.session() as session:
        store.append(session, [received])
        other = threading.Thread(target=service.record, args=("event_store", late[1]))
        other.start()
        other.join(0.5)
        assert other.is_alive() and _ids(service) == []
        session.commit()
    other.join(10)
    assert _ids(service) == [early[0], late[0]]


def test_readers_are_woken(service: Harness) -> None:
    listener = psycopg2.connect(service.url)
    listener.autocommit = True
    with listener.cursor() as cursor:
        cursor.execute(f"LISTEN {store.CHANNEL}")
        service.record("event_store", held()[1])
        cursor.execute("SELECT 1")
    assert [notice.channel for notice in listener.notifies] == [store.CHANNEL]
    listener.close()


def test_what_cannot_be_read_is_parked_and_stops_nobody(alone: GatewayAlone) -> None:
    forged, good = held(), held()
    alone.publish(forged[1], key="erp_finance.credit.held", user="erp_finance")
    alone.publish(b"{", good[1])
    until(lambda: good[0] in alone.stored())
    parked = "SELECT error_code FROM inbox WHERE consumer = 'event_store' AND state = 'parked' ORDER BY 1"
    until(lambda: alone.sql("gateway", parked) == [("undecodable",), ("wrong_producer",)])
    assert forged[0] not in alone.stored()


def test_everything_once_and_in_order_while_replicas_are_killed(alone: GatewayAlone) -> None:
    """The queue serves one replica; the other takes over in the middle of the flow."""
    sent = [held(f"SO-{n}") for n in range(3000)]
    publishing = threading.Thread(target=alone.publish, args=[body for _, body in sent])
    publishing.start()
    for process in ("gateway.service.1", "gateway.service.2"):
        before = len(alone.stored())
        until(lambda seen=before: len(alone.stored()) > seen + 100 or not publishing.is_alive())
        alone.kill(process)
    publishing.join(60)
    wanted = [event_id for event_id, _ in sent]
    until(lambda: len(set(alone.stored()) & set(wanted)) == len(sent), 60)
    assert [event_id for event_id in alone.stored() if event_id in set(wanted)] == wanted
