"""Which services take calls at this moment.

The request queue of a service is durable, so that it takes calls while nobody is there to carry them out. So the broker
is asked several times a second how many consumers each queue has, which needs no right. A gap that is shorter than
REQUEST_GAP is waited out; after that callers are told at once.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.calls.wire import Link
from gateway.errors import ServiceDown
from shared.kernel.settings import REQUEST_GAP

LOOK_SECONDS = 0.2


@dataclass(slots=True)
class Gap:
    """A time without consumers; `given_up` are the calls in the queue whose callers wait no longer."""

    since: float = field(default_factory=time.monotonic)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: int = 0

    @property
    def left(self) -> float:
        """Seconds for which callers are let wait."""
        return self.since + REQUEST_GAP - time.monotonic()


class Presence:
    """What is known of the services. `give_up(service, n)` ends the newest n calls of a service that is gone."""

    def __init__(self, services: Sequence[str], give_up: Callable[[str, int], int]) -> None:
        self._services, self._give_up = services, give_up
        self._gaps: dict[str, Gap] = {}

    async def expect(self, service: str) -> None:
        """Return when the service takes calls. Raises ServiceDown when it does not within the gap."""
        if gap := self._gaps.get(service):
            try:
                await asyncio.wait_for(gap.over.wait(), max(gap.left, 0))
            except TimeoutError:
                raise ServiceDown from None

    async def watch(self, link: Link) -> None:
        """Go on looking for as long as the connection lives. Raises Lost."""
        while True:
            for service in self._services:
                self._note(service, *await link.look(f"rpc-{service}"))
            await asyncio.sleep(LOOK_SECONDS)

    def _note(self, service: str, waiting: int, consumers: int) -> None:
        if consumers:
            if gap := self._gaps.pop(service, None):
                gap.over.set()
            return
        gap = self._gaps.setdefault(service, Gap())
        if gap.left <= 0 and waiting > gap.given_up:
            gap.given_up += self._give_up(service, waiting - gap.given_up)
