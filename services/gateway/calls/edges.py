"""What one edge tells the others, so that all know it before the caller is answered.

Each says once a second that it is there, and confirms what it receives. An edge that is alone sends and waits for nothing.
An edge that does not confirm in time still receives events, but is waited for only when it answers again.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from shared.messaging.queues import ALL_EDGES

HELLO_SECONDS = 1.0
PRESENT_SECONDS = 3.0
CONFIRM_SECONDS = 0.25

Publish = Callable[[str, bytes, str], None]
"""Send a body to a routing key of the broker, with a correlation id; lost without the broker."""


class Edges:
    """The other edges of the installation. `hear` takes what one of them sends."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self.hear: Callable[[Any], None] = lambda message: None
        self._key = ""
        self._heard: dict[str, float] = {}
        self._late: set[str] = set()
        self._unconfirmed: dict[str, tuple[set[str], asyncio.Event]] = {}

    async def greet(self, key: str) -> None:
        """Say that this edge is there, and where it is answered, for as long as the connection lives."""
        self._key = key
        while True:
            self._send()
            await asyncio.sleep(HELLO_SECONDS)

    async def tell(self, what: Any) -> None:
        """Let the others know; returns when they do, or after a moment."""
        if not (present := self._present()):
            return
        token, awaited, all_know = secrets.token_hex(16), present - self._late, asyncio.Event()
        self._unconfirmed[token] = awaited, all_know
        try:
            self._send(token, what)
            if awaited:
                async with asyncio.timeout(CONFIRM_SECONDS):
                    await all_know.wait()
        except TimeoutError:
            self._late |= awaited
        finally:
            del self._unconfirmed[token]

    def receive(self, body: bytes) -> None:
        """What an edge sent to all, this one among them."""
        sender, token, what = json.loads(body)
        if sender == self._key:
            return
        is_new = sender not in self._heard
        self._note(sender)
        if token:
            self.hear(what)
            self._publish(sender, self._key.encode(), token)
        elif is_new:  # so that it knows of us before the next second
            self._send()

    def confirm(self, token: str, body: bytes) -> None:
        """Another edge knows what was sent to it; anything else that nobody waits for is ignored."""
        if (found := self._unconfirmed.get(token)) is None:
            return
        awaited, all_know = found
        awaited.discard(sender := body.decode())
        self._note(sender)
        if not awaited:
            all_know.set()

    def _send(self, token: str = "", what: Any = None) -> None:
        self._publish(ALL_EDGES, json.dumps([self._key, token, what]).encode(), "")

    def _note(self, sender: str) -> None:
        self._heard[sender] = time.monotonic()
        self._late.discard(sender)

    def _present(self) -> set[str]:
        since = time.monotonic() - PRESENT_SECONDS
        self._forget(key for key, at in self._heard.items() if at < since)
        return set(self._heard)

    def _forget(self, gone: Iterable[str]) -> None:
        for key in list(gone):
            del self._heard[key]
            self._late.discard(key)
