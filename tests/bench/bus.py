"""The parts of the bus one by one: relay, one consumer process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import amqp
import psycopg2
from kombu import Connection
from psycopg2.extras import execute_values

from shared import contracts
from shared.contracts import crm_sales as sales
from shared.contracts import erp_inventory as inventory
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_event_id, new_id
from shared.schema.contract import Event
from shared.schema.envelope import CONTENT_TYPE
from tests.bench.world import World
from tests.harness import message

_ROW = "(%s::uuid, %s, %s, %s::uuid, %s, %s)"
_INSERT = "INSERT INTO outbox (event_id, type, routing_key, aggregate_id, sequence, envelope) VALUES %s"


def relay(world: World, events: int) -> float:
    """Events per second from one INSERT of many outbox rows to the last confirmed publication.

    They are product changes. Their consumers, the replica in crm_sales and the store of all events, are stopped
    meanwhile: what is measured is the relay, not who else wants the two cores.
    """
    with _stopped(world, "crm_sales"), _stopped(world, "gateway.service"):
        rows = [_outbox_row(world, number) for number in range(events)]
        with psycopg2.connect(world.urls["erp_inventory"]) as connection, connection.cursor() as cursor:
            execute_values(cursor, _INSERT, rows, template=_ROW, page_size=events)
            cursor.execute("NOTIFY outbox")
        begun = time.time()
        ids = [row[0] for row in rows]
        done = (
            "SELECT count(*), extract(epoch FROM max(published_at))::float FROM outbox WHERE event_id = ANY(%s::uuid[])"
        )
        while True:
            ((count, last),) = world.suite.sql("erp_inventory", done + " AND state <> 'new'", ids)
            if count == events:
                return events / float(last - begun)
            time.sleep(0.1)


def product_consumer(world: World, events: int) -> float:
    """Events per second of the product replica in crm_sales (`order="latest"`), from a full queue."""
    with _stopped(world, "crm_sales"):
        relayed = [_product_changed(world, number) for number in range(events)]
        _publish(world, "erp_inventory", relayed, 100_000)
        since = datetime.now(UTC)
    return _consumed(world, "crm_sales", inventory.ProductUpdated, events, since)


def order_consumer(world: World, events: int) -> float:
    """Events per second of the handler that makes deliveries and reserves stock, from a full queue.

    The orders are known to nobody else: the others stay stopped, and the suite is of no use afterwards.
    """
    for service in ("crm_sales", "erp_finance", "gateway.service", "erp_inventory"):
        world.suite.supervisor.stop(service)
    _publish(world, "crm_sales", [_order_placed(world, number) for number in range(events)], 1)
    since = datetime.now(UTC)
    world.suite.supervisor.start("erp_inventory")
    world.suite.supervisor.wait_ready(names=["erp_inventory"])
    return _consumed(world, "erp_inventory", sales.OrderPlaced, events, since)


@contextmanager
def _stopped(world: World, service: str) -> Iterator[None]:
    world.suite.supervisor.stop(service)
    try:
        yield
    finally:
        world.suite.supervisor.start(service)
        world.suite.supervisor.wait_ready(names=[service])


def _product_changed(world: World, number: int) -> inventory.ProductUpdated:
    product = world.products[number % 200]
    return inventory.ProductUpdated(
        product_id=UUID(product), sku=f"BENCH-{number % 200:04}", name=f"Article {number % 200}", kind="goods",
        unit="piece", sale_price=Decimal("19.90"), tax_code="S20", active=True,
    )  # fmt: skip


def _outbox_row(world: World, number: int) -> tuple[Any, ...]:
    event, sequence = _product_changed(world, number), 1000 + number
    event_id = new_event_id(event.full_type)
    body = message(event, event_id, sequence).decode()
    return str(event_id), event.full_type, event.type, str(event.aggregate_id), sequence, body


def _order_placed(world: World, number: int) -> sales.OrderPlaced:
    lines = [_placed_line(world.products[(number * 3 + i) % 200]) for i in range(3)]
    return sales.OrderPlaced(
        order_id=new_id(), number=f"BENCH-{number}", company_id=DEFAULT_COMPANY_ID,
        customer_id=UUID(world.customers[0]), customer_name="Bench", currency="EUR", placed_on=datetime.now(UTC).date(),
        payment_days=30, invoicing_policy="on_delivery", net_total=Decimal("30.00"), tax_total=Decimal("6.00"),
        gross_total=Decimal("36.00"), lines=lines,
    )  # fmt: skip


def _placed_line(product: str) -> sales.PlacedLine:
    return sales.PlacedLine(
        line_id=new_id(), product_id=UUID(product), description="Article", kind="goods", quantity=Decimal(1),
        unit="piece", unit_price=Decimal("10.00"), discount_percent=Decimal(0), net=Decimal("10.00"), tax_code="S20",
        tax_rate=Decimal(20),
    )  # fmt: skip


def _publish(world: World, service: str, events: list[Any], first_sequence: int) -> None:
    """Send events as the service itself would; the broker vouches for the user."""
    with Connection(world.suite.broker_uri(service)) as connection:
        channel = connection.channel()
        channel.confirm_select()
        left = set(range(1, len(events) + 1))

        def confirmed(tag: int, multiple: bool) -> None:
            left.difference_update([t for t in left if t <= tag] if multiple else [tag])

        channel.events["basic_ack"].add(confirmed)
        for number, event in enumerate(events):
            event_id = new_event_id(event.full_type)
            sent = amqp.Message(
                message(event, event_id, first_sequence + number), content_type=CONTENT_TYPE, delivery_mode=2,
                message_id=str(event_id), type=event.full_type, user_id=f"{service}",
            )  # fmt: skip
            channel._basic_publish(sent, exchange="events", routing_key=event.type)
        while left:
            connection.drain_events(timeout=20)


def _consumed(world: World, service: str, event: type[Event], events: int, since: datetime) -> float:
    """Wait until so many were handled; events per second between the first and the last."""
    statement = (
        "SELECT count(*), extract(epoch FROM max(processed_at) - min(processed_at))::float FROM inbox"
        " WHERE type = %s AND received_at > %s AND state = 'done'"
    )
    contracts.events()
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        ((count, seconds),) = world.suite.sql(service, statement, event.full_type, since)
        if count >= events:
            return float(count / seconds)
        time.sleep(0.2)
    raise AssertionError(f"{service} handled only {count} of {events} events within 180 s")
