"""A8: what one user may take of what all share, over all of their tokens together."""

import asyncio
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
import uvloop

from gateway.errors import DeadlineExceeded
from gateway.http.bounds import Turns
from shared.kernel.ids import new_event_id
from tests.gateway.conftest import ADMIN, CLERK, Process, sign_in, until
from tests.gateway.test_forwarding import ORDER, problem, told

EVENT = str(new_event_id("liaison.crm_contacts.contact.created.v1"))


def test_a_user_who_asks_too_often(own_gateway: Process) -> None:
    """A8: another token of the same user is no other bucket; another user has one of their own."""
    own_gateway.env |= {"LIAISON_RATE_PER_SECOND": "0.5", "LIAISON_RATE_BURST": "4"}
    own_gateway.start()
    with sign_in(own_gateway.url, *ADMIN) as client, sign_in(own_gateway.url, *ADMIN) as same:
        assert [client.get("/v1/me").status_code for _ in range(3)] == [200, 200, 200]
        assert [same.get("/v1/me").status_code for _ in range(2)] == [200, 429]
        limited = client.get("/v1/me")
        problem(limited, 429, "too_many_requests")
        assert 1 <= int(limited.headers["retry-after"]) <= 2
    with sign_in(own_gateway.url, *CLERK) as other:
        assert other.get("/v1/me").headers["ratelimit"] == '"default";r=3;t=2'


def test_a_user_has_so_many_calls_and_waiters_under_way(own_gateway: Process, echo: None) -> None:
    """A8: with two tokens; what is beyond is told at once, other users and requests of another kind are not concerned."""
    own_gateway.env |= {"LIAISON_CALLS_PER_USER": "6", "LIAISON_WAITERS_PER_USER": "2"}
    own_gateway.start()
    until(lambda: own_gateway.metric("rpc_client_connected") == 1)
    with sign_in(own_gateway.url, *ADMIN) as one, sign_in(own_gateway.url, *ADMIN) as two:
        with ThreadPoolExecutor(30) as pool:
            waiting = [pool.submit(_wait, (one, two)[n % 2], n) for n in range(10)]
            until(lambda: sum(future.done() for future in waiting) == 8, 1.5)
            calling = [pool.submit(told, (one, two)[n % 2], silent=True) for n in range(20)]
            until(lambda: sum(future.done() for future in calling) == 16, 1.5)
            with sign_in(own_gateway.url, *CLERK) as other:
                assert other.get("/v1/me").status_code == 200
        assert _codes(waiting) == {"deadline_exceeded": 2, "too_many_waiters": 8}
        assert _codes(calling) == {"deadline_exceeded": 4, "too_many_calls": 16}
        assert one.get(ORDER).status_code == 200


def _codes(answers: list[Future[httpx.Response]]) -> dict[str, int]:
    return dict(Counter(future.result().json()["code"] for future in answers))


def _wait(client: httpx.Client, number: int) -> httpx.Response:
    """Every second one tries to hide the name of the parameter."""
    name = ("wait_for", "wait%5ffor")[number % 2]
    return client.get(f"/v1/orders?q=%7B%22silent%22:true%7D&{name}={EVENT}")


def test_turns_of_one_service_are_taken_by_nobody_alone() -> None:
    """A8: each key has so many at once, the next one waits in order, and time spent waiting counts."""
    uvloop.run(_turns())


async def _turns() -> None:
    turns, order = Turns(2), list[str]()

    async def work(name: str, key: str, seconds: float) -> None:
        async with turns.turn(key, seconds):
            order.append(name)
            await asyncio.sleep(0.1)

    await asyncio.gather(*(work(f"ada {n}", "ada", 1) for n in range(4)), work("bob 0", "bob", 1))
    assert order == ["ada 0", "ada 1", "bob 0", "ada 2", "ada 3"]
    holding = [asyncio.create_task(work("", "ada", 1)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded):
        await work("never", "ada", 0.02)
    await asyncio.gather(*holding)
    assert not turns._turns and "never" not in order
