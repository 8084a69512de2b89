"""Which events this process has applied lately, so that a request that waits for one is woken by it instead of asking."""

from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from threading import Event as Signal
from uuid import UUID

_REMEMBERED = 10_000


class Applied:
    """The consumers that have dealt with each of the latest events, in this process or as far as it has asked the inbox."""

    def __init__(self) -> None:
        self._consumers: OrderedDict[UUID, set[str]] = OrderedDict()
        self._waiting: dict[UUID, list[Signal]] = {}

    def note(self, event_id: UUID, consumer: str) -> None:
        """A consumer's transaction for an event is committed."""
        self._consumers.setdefault(event_id, set()).add(consumer)
        while len(self._consumers) > _REMEMBERED:
            self._consumers.popitem(last=False)
        for signal in self._waiting.get(event_id, ()):
            signal.set()

    def count(self, event_id: UUID) -> int:
        """How many consumers are known to have applied the event."""
        return len(self._consumers.get(event_id, ()))

    @contextmanager
    def signal(self, event_ids: Collection[UUID]) -> Iterator[Signal]:
        """A signal that is set at each note about one of the events while the block runs."""
        signal = Signal()
        for event_id in event_ids:
            self._waiting.setdefault(event_id, []).append(signal)
        try:
            yield signal
        finally:
            for event_id in event_ids:
                self._waiting[event_id].remove(signal)
                if not self._waiting[event_id]:
                    del self._waiting[event_id]
