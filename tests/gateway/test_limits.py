"""Token buckets, with a clock that stands still until it is moved."""

import asyncio
from typing import Any

import pytest
import uvloop

from gateway.errors import BodyTimeout, TooManyRequests
from gateway.http import limits
from gateway.http.incoming import Incoming
from gateway.http.limits import Buckets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    buckets = Buckets(rate=5 / 60, burst=5, clock=clock)
    assert [buckets.take("ada") for _ in range(5)] == [4, 3, 2, 1, 0]
    with pytest.raises(TooManyRequests) as refusal:
        buckets.take("ada")
    assert refusal.value.details["retry_after"] == 12
    clock.now = 11.9
    with pytest.raises(TooManyRequests):
        buckets.take("ada")
    clock.now = 12.1
    assert buckets.take("ada") == 0


def test_keys_do_not_share() -> None:
    buckets = Buckets(rate=1, burst=1, clock=Clock())
    assert buckets.take("ada") == buckets.take("grace") == 0


def test_what_did_not_count_comes_back_but_never_more() -> None:
    buckets = Buckets(rate=1, burst=2, clock=Clock())
    buckets.take("ada")
    buckets.give_back("ada")
    buckets.give_back("ada")
    assert [buckets.take("ada"), buckets.take("ada")] == [1, 0]
    with pytest.raises(TooManyRequests):
        buckets.take("ada")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS", 3)
    buckets = Buckets(rate=1, burst=2, clock=Clock())
    for key in "abcde":
        buckets.take(key)
    assert len(buckets._levels) == 3 and buckets.take("a") == 1


def test_header_values() -> None:
    buckets = Buckets(rate=500, burst=1000, clock=Clock())
    assert buckets.policy == '"default";q=1000;w=2'
    assert buckets.state(900) == '"default";r=900;t=1'


def test_a_body_that_trickles_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.1)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "headers": [(b"transfer-encoding", b"chunked")]}
    with pytest.raises(BodyTimeout):
        uvloop.run(limits.read_body(Incoming(scope, receive, send)))
