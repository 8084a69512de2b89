"""Being woken by PostgreSQL on an asyncio loop."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import URL

from shared.storage.connecting import single

log = logging.getLogger(__name__)

FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0


async def listen(url: URL, channel: str, on_notify: Callable[[], None]) -> None:
    """Call `on_notify` at each notification, and after each reconnection, until cancelled."""
    engine = single(url)
    delay = FIRST_DELAY
    while True:
        try:
            connection = await asyncio.to_thread(_subscribe, engine, channel)
            on_notify()  # whatever was notified before this connection
            delay = FIRST_DELAY
            await _hear(connection, on_notify)
        except Exception as error:
            log.warning("not listening", extra={"channel": channel, "error_code": type(error).__name__})
        await asyncio.sleep(delay)
        delay = min(delay * 2, LONGEST_DELAY)


def _subscribe(engine: Any, channel: str) -> Any:
    """A connection of psycopg2 that is ours to close."""
    pooled = engine.raw_connection()
    with contextlib.closing(pooled.cursor()) as cursor:
        cursor.execute(f"LISTEN {channel}")
    connection = pooled.driver_connection
    pooled.detach()
    return connection


async def _hear(connection: Any, on_notify: Callable[[], None]) -> None:
    """Until the connection breaks (raises) or the task is cancelled."""
    loop, descriptor = asyncio.get_running_loop(), connection.fileno()
    broken: asyncio.Future[None] = loop.create_future()

    def look() -> None:
        try:
            connection.poll()
        except Exception as error:
            if not broken.done():
                broken.set_exception(error)
            return
        if connection.notifies:
            connection.notifies.clear()
            on_notify()

    loop.add_reader(descriptor, look)
    try:
        await broken
    finally:
        loop.remove_reader(descriptor)
        connection.close()
