"""A12: a service without a process is told of within a second; the durable queue of its requests keeps nobody waiting."""

import asyncio
import time
from typing import Any

import httpx
import pytest
import uvloop

from deploy.local import servers as local
from gateway.calls.presence import Presence
from gateway.errors import ServiceDown
from tests.gateway.conftest import ADMIN, Process, running_echo, sign_in, until
from tests.gateway.test_forwarding import problem
from tests.timing import soon

SERVICE, PATH = "erp_inventory", "/v1/products"


class Queue:
    """What the broker would say of a queue: (messages that wait, consumers)."""

    state = (0, 1)

    async def look(self, queue: str) -> tuple[int, int]:
        return self.state


def test_a_service_without_a_process_answers_503_within_a_second(own_gateway: Process, broker: local.Servers) -> None:
    """A12: at its death, while it is away, and until it is back."""
    own_gateway.env["LIAISON_GATEWAY_DEADLINE_SECONDS"] = "10"
    own_gateway.start()
    with sign_in(own_gateway.url, *ADMIN) as client:
        with running_echo(broker, SERVICE) as echo:
            until(lambda: client.get(PATH).status_code == 200)
            echo.kill()
            echo.wait()
            _told_within_a_second(client, {"outcome_unknown", "service_unavailable"})
        for _ in range(3):
            _told_within_a_second(client, {"service_unavailable"})
        assert soon(0.4, lambda: client.get(PATH)).status_code == 503
        with running_echo(broker, SERVICE):
            until(lambda: client.get(PATH).status_code == 200, 3)


def _told_within_a_second(client: httpx.Client, codes: set[str]) -> None:
    begun = time.monotonic()
    answer = client.get(PATH)
    assert time.monotonic() - begun < 1, answer.text
    assert answer.json()["code"] in codes
    problem(answer, 503, answer.json()["code"])
    assert int(answer.headers["retry-after"]) > 0


def test_a_short_gap_is_waited_out_and_a_long_one_is_told_at_once() -> None:
    """A12: the gap of a restarted connection is nobody's error; the calls that wait in the queue are ended once each."""
    uvloop.run(_gaps())


async def _gaps() -> None:
    queue, told = Queue(), list[int]()
    presence = Presence(["toy"], lambda service, most: told.append(most) or most)  # type: ignore[func-returns-value]
    watching = asyncio.create_task(presence.watch(queue))  # type: ignore[arg-type]
    queue.state = (0, 0)
    await asyncio.sleep(0.25)
    waiting = asyncio.create_task(presence.expect("toy"))
    queue.state = (0, 1)
    await waiting
    queue.state = (2, 0)
    await asyncio.sleep(0.25)
    await _refused_after(presence, 0.15, 0.5)
    await asyncio.sleep(0.25)
    queue.state = (3, 0)
    await asyncio.sleep(0.25)
    assert told == [2, 1]
    await _refused_after(presence, 0.0, 0.05)
    watching.cancel()


async def _refused_after(presence: Any, least: float, most: float) -> None:
    begun = time.monotonic()
    with pytest.raises(ServiceDown):
        await presence.expect("toy")
    assert least <= time.monotonic() - begun < most
