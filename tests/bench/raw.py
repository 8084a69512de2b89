"""What this machine can do at best, without Liaison: the measure for everything else in the same run."""

import threading
import time
from collections.abc import Callable
from itertools import count

import amqp
import psycopg2
from kombu import Connection, Consumer, Queue

from deploy.local.servers import Servers

BODY = b"x" * 1000
QUEUE = "bench.raw"


def commits(servers: Servers, connections: int, seconds: float) -> float:
    """Durable single-row INSERTs per second, each its own transaction."""
    with psycopg2.connect(servers.pg_admin_url) as setup, setup.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS raw_commit (id bigserial PRIMARY KEY, body text)")
    done: list[int] = []
    end = time.monotonic() + seconds

    def work() -> None:
        connection = psycopg2.connect(servers.pg_admin_url)
        connection.autocommit = True
        cursor, inserted = connection.cursor(), 0
        while time.monotonic() < end:
            cursor.execute("INSERT INTO raw_commit (body) VALUES (%s)", ("x" * 100,))
            inserted += 1
        connection.close()
        done.append(inserted)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def publishes(servers: Servers, window: int, seconds: float) -> float:
    """Confirmed publishes of 1 kB per second to a quorum queue, with at most `window` unconfirmed."""
    with Connection(servers.amqp_admin_uri) as connection:
        channel = _fresh_queue(connection)
        channel.confirm_select()
        outstanding: set[int] = set()
        channel.events["basic_ack"].add(lambda tag, multiple: _confirm(outstanding, tag, multiple))
        begun, sent = time.monotonic(), 0
        while time.monotonic() - begun < seconds:
            sent += 1
            outstanding.add(sent)
            _publish(channel)
            _drain(connection, lambda: len(outstanding) >= window)
        _drain(connection, lambda: bool(outstanding))
        return sent / (time.monotonic() - begun)


def consume(servers: Servers, messages: int) -> float:
    """Messages per second that one kombu consumer takes from a quorum queue and acknowledges one by one."""
    with Connection(servers.amqp_admin_uri) as connection:
        channel = _fresh_queue(connection)
        for _ in range(messages):
            _publish(channel)
        seen = count(1)
        last = 0

        def take(message: amqp.Message) -> None:
            nonlocal last
            message.ack()
            last = next(seen)

        while channel.queue_declare(QUEUE, passive=True).message_count < messages:
            time.sleep(0.05)
        begun = time.monotonic()
        with Consumer(
            channel, [Queue(QUEUE, no_declare=True)], on_message=take, prefetch_count=100, auto_declare=False
        ):
            _drain(connection, lambda: last < messages)
        rate = messages / (time.monotonic() - begun)
        channel.queue_delete(QUEUE)
        return rate


def _fresh_queue(connection: Connection) -> amqp.Channel:
    channel = connection.channel()
    channel.queue_delete(QUEUE)
    channel.queue_declare(QUEUE, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    return channel


def _publish(channel: amqp.Channel) -> None:
    channel._basic_publish(amqp.Message(BODY, delivery_mode=2), exchange="", routing_key=QUEUE)


def _drain(connection: Connection, more: Callable[[], bool]) -> None:
    while more():
        connection.drain_events(timeout=20)


def _confirm(outstanding: set[int], tag: int, multiple: bool) -> None:
    outstanding.difference_update([t for t in outstanding if t <= tag] if multiple else [tag])
