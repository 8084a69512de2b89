"""D1: what an edge keeps of each caller's last events, and how edges tell each other; without servers."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from gateway.calls import edges, own_writes
from gateway.calls.edges import Edges
from gateway.calls.own_writes import MOST_LAST, LastWrites
from shared.api.own_writes import MOST
from shared.kernel.ids import new_event_id, type_tag
from shared.messaging.queues import ALL_EDGES

CHANGED, PLACED = "liaison.crm_contacts.contact.updated.v1", "liaison.crm_sales.order.placed.v1"


def made(kind: str, count: int) -> list[str]:
    return [str(new_event_id(kind)) for _ in range(count)]


def test_the_latest_events_of_a_kind_are_told_for_a_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    last, changed, placed = LastWrites(), made(CHANGED, MOST + 5), made(PLACED, 3)
    last.add("ann", [*changed, *placed])
    tags = frozenset({type_tag(CHANGED)})
    assert last.of("ann", tags) == changed[::-1][:MOST]
    assert last.of("bob", tags) == last.of("ann", frozenset()) == []
    monkeypatch.setattr(own_writes, "LAST_SECONDS", 0.05)
    time.sleep(0.06)
    assert last.of("ann", tags) == []


def test_who_wrote_nothing_lately_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    last = LastWrites()
    monkeypatch.setattr(own_writes, "LAST_SECONDS", 0.05)
    for number in range(100):
        last.add(f"caller {number}", made(CHANGED, 1))
    last.add("ann", made(CHANGED, MOST_LAST * 2))
    time.sleep(0.06)
    last.add("bob", made(CHANGED, 1))
    assert list(last._by_caller) == ["bob"]
    last.add("bob", made(CHANGED, MOST_LAST * 2))
    assert len(last._by_caller["bob"]) == MOST_LAST


class Exchange:
    """Edges of one installation; `lost` are those to whom nothing comes any more."""

    def __init__(self, count: int) -> None:
        self.keys = [str(uuid4()) for _ in range(count)]
        self.edges = [Edges(self._publish) for _ in self.keys]
        self.told: list[list[Any]] = [[] for _ in self.keys]
        self.lost: set[int] = set()
        self.published = 0
        for edge, told in zip(self.edges, self.told, strict=True):
            edge.hear = told.append

    def _publish(self, key: str, body: bytes, token: str) -> None:
        self.published += 1
        asyncio.get_running_loop().call_soon(self._deliver, key, body, token)

    def _deliver(self, key: str, body: bytes, token: str) -> None:
        for number, edge in enumerate(self.edges):
            if number in self.lost:
                continue
            if key == ALL_EDGES:
                edge.receive(body)
            elif key == self.keys[number]:
                edge.confirm(token, body)

    async def meet(self) -> None:
        greeting = [asyncio.create_task(edge.greet(key)) for edge, key in zip(self.edges, self.keys, strict=True)]
        await asyncio.sleep(0.01)
        for task in greeting:
            task.cancel()


def together(count: int, act: Callable[[Exchange], Any]) -> Any:
    async def run() -> Any:
        exchange = Exchange(count)
        await exchange.meet()
        return await act(exchange)

    return asyncio.run(run())


def test_all_edges_know_before_an_edge_goes_on() -> None:
    async def act(exchange: Exchange) -> None:
        for number in range(3):
            await exchange.edges[number].tell(["ann", number])
            others = [told for other, told in enumerate(exchange.told) if other != number]
            assert [told[-1] for told in others] == [["ann", number]] * 2
        assert exchange.told[0] == [["ann", 1], ["ann", 2]]

    together(3, act)


def test_an_edge_alone_tells_nobody() -> None:
    async def act(exchange: Exchange) -> int:
        before = exchange.published
        await exchange.edges[0].tell(["ann", []])
        return exchange.published - before

    assert together(1, act) == 0


def test_an_edge_that_is_gone_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers late is told on, and waited for again when it is heard."""
    monkeypatch.setattr(edges, "CONFIRM_SECONDS", 0.1)

    async def tell(exchange: Exchange, what: str) -> float:
        begun = time.monotonic()
        await exchange.edges[0].tell(what)
        return time.monotonic() - begun

    async def act(exchange: Exchange) -> None:
        exchange.lost.add(1)
        assert await tell(exchange, "first") >= 0.1
        assert await tell(exchange, "second") < 0.05
        exchange.lost.clear()
        await tell(exchange, "third")
        await asyncio.sleep(0.01)
        assert exchange.told[1] == ["third"] and exchange.told[2] == ["first", "second", "third"]
        exchange.lost.add(1)
        assert await tell(exchange, "fourth") >= 0.1
        monkeypatch.setattr(edges, "PRESENT_SECONDS", 0.0)
        before = exchange.published
        await asyncio.sleep(0.01)
        await tell(exchange, "fifth")
        assert exchange.published == before, "those that were not heard for long are gone"

    together(3, act)
