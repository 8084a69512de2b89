"""Two hundred clients on one edge: how much they are told, how late, and what it costs the edge."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

import pika

from shared.contracts import crm_sales as sales
from shared.kernel.ids import new_event_id, new_id
from tests.bench.report import percentile
from tests.bench.world import World
from tests.harness import message

CLIENTS = 200
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Crowd:
    """What all clients together have heard; `lags` are seconds from an event's time to its arrival."""

    heard: int = 0
    open: int = 0
    lags: list[float] = field(default_factory=list)


@dataclass
class Told:
    """Events per second delivered to all clients together, the lag, and the edge's CPU as a share of one core."""

    per_second: float
    p95_ms: float
    cpu_percent: float


def fan_out(world: World, events: int, per_second: float = 0) -> Told:
    """Publish so many events, as fast as the broker takes them or at a pace, and wait until every client has them all."""
    return asyncio.run(_fan_out(world, events, per_second))


async def _fan_out(world: World, events: int, per_second: float) -> Told:
    crowd, address = Crowd(), urlsplit(world.suite.base_url)
    clients = [asyncio.create_task(_client(crowd, address, world.suite.api.token)) for _ in range(CLIENTS)]
    await _until(lambda: crowd.open == CLIENTS)
    edge, begun = _cpu(world), time.monotonic()
    publisher = threading.Thread(target=_publish, args=(world, events, per_second))
    publisher.start()
    await _until(lambda: crowd.heard >= events * CLIENTS)
    seconds, used = time.monotonic() - begun, _cpu(world) - edge
    publisher.join()
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    return Told(crowd.heard / seconds, percentile(crowd.lags, 95) * 1000, used / seconds * 100)


async def _client(crowd: Crowd, address: SplitResult, token: str) -> None:
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**20)
    head = f"GET /v1/events/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    try:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        async for line in reader:
            if line.startswith(b"retry: "):
                crowd.open += 1
            elif line.startswith(b"data: "):
                crowd.heard += 1
                if crowd.heard % 50 == 0:
                    crowd.lags.append(_lag(line))
    finally:
        writer.close()


def _lag(line: bytes) -> float:
    at = line.partition(b'"time":"')[2].partition(b'"')[0].decode()
    return time.time() - datetime.fromisoformat(at).timestamp()


def _publish(world: World, events: int, per_second: float) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(world.suite.broker_uri("crm_sales")))
    channel = connection.channel()
    properties = pika.BasicProperties(content_type="application/cloudevents+json", user_id="crm_sales", delivery_mode=2)
    begun = time.monotonic()
    for number in range(events):
        if per_second:
            time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
        event = sales.OrderHeld(order_id=new_id(), number=f"B-{number}", reason="bench")
        body = message(event, new_event_id(event.full_type))
        channel.basic_publish("events", event.type, body, properties)
    connection.close()


def _cpu(world: World) -> float:
    """Seconds of CPU that the edge has used."""
    identity = world.suite.supervisor.identity("gateway")
    assert identity is not None
    with open(f"/proc/{identity.pid}/stat", encoding="ascii") as stat:
        used = stat.read().rpartition(")")[2].split()
    return (int(used[11]) + int(used[12])) / _TICKS


async def _until(condition: Callable[[], bool], seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
