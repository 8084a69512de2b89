"""Rights that are taken away while an answer is still being given, or a request still comes in: nothing goes on with them."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from deploy.local.provision import DatabaseUrls
from gateway.service import Gateway
from shared import contracts
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_event_id, new_id
from tests.gateway.conftest import PASSWORD, Process, company, sign_in
from tests.harness import Harness

SECONDS = 5.0
ROW = {"id": "x", "number": "A1", "net_total": "5.00"}
LIST = "/v1/orders?format=csv&fields=id,number&q=" + json.dumps(
    {"result": {"data": [ROW] * 20, "next_cursor": "more"}, "sleep": 0.02}
)
contracts.operations()  # gives the jobs of each service their number
JOB = f"/v1/jobs/{new_event_id('job/crm_sales')}"


class World:
    """Somebody who reads, and whose rights are taken away."""

    def __init__(self, gateway: Process, house: Harness) -> None:
        self.house = house
        held = {"name": f"r{new_id().hex[:12]}", "permissions": ["sales.*:read", "sales.*:write"]}
        self.role = house.call("create_role", body=held)
        self.user = house.call("create_user", body={
            "email": f"{new_id()}@lamp.example", "name": "X", "roles": [held["name"]], "password": PASSWORD,
            "companies": [str(DEFAULT_COMPANY_ID), company(house)],
        })  # fmt: skip
        self.key = house.call("create_api_key", body={"name": "x", "scopes": ["sales.*:read"]}, actor=self.user["id"])
        self.client = sign_in(gateway.url, self.user["email"], PASSWORD)

    def patch(self, **change: Any) -> None:
        self.house.call("update_user", id=self.user["id"], if_match="*", body=change)

    def hold(self, permission: str) -> None:
        self.house.call("update_role", id=self.role["id"], if_match="*", body={"permissions": [permission]})

    def leave(self) -> None:
        self.house.call("deactivate_user", id=self.user["id"])


WAYS: dict[str, tuple[Callable[[World], Any], str]] = {
    "role": (lambda world: world.patch(roles=["hr"]), "forbidden"),
    "reach": (lambda world: world.hold("sales.*:read@own"), "forbidden"),
    "companies": (lambda world: world.patch(companies=[str(DEFAULT_COMPANY_ID)]), "forbidden"),
    "deactivation": (lambda world: world.leave(), "unauthenticated"),
    "key": (lambda world: world.house.call("revoke_api_key", id=world.key["id"]), "unauthenticated"),
}
DOWNLOADS = [f"{JOB}/result", f"{JOB}/errors"]
OTHER_RIGHTS = "other rights"
SLOW_BODY = "slow body"


def _read(world: World, path: str, headers: dict[str, str], then: Callable[[], Any]) -> tuple[float, str, bool]:
    """How long an answer that never ends goes on after what is done in its midst, what came last, whether it broke off."""
    with world.client.stream("GET", path, headers=headers) as answer:
        pieces = answer.iter_text()
        next(pieces)
        then()
        began, last = time.monotonic(), ""
        try:
            for piece in pieces:
                last = (last + piece)[-500:]
                if time.monotonic() > began + SECONDS:
                    break
        except httpx.RemoteProtocolError:  # it ended without its last chunk
            return time.monotonic() - began, last, True
    return time.monotonic() - began, last, False


def _read_list(world: World, way: str) -> tuple[float, str, bool]:
    take = WAYS[way][0] if way in WAYS else lambda world: world.hold("sales.orders:*")
    headers = {"Authorization": f"Bearer {world.key['secret']}"} if way == "key" else {}
    return _read(world, LIST, headers, lambda: take(world))


def _send_slowly(world: World) -> httpx.Response:
    def body() -> Iterator[bytes]:
        yield b"{"
        world.patch(roles=["hr"])
        time.sleep(SECONDS)
        yield b"}"

    headers = {"Content-Type": "application/json", "Idempotency-Key": new_id().hex}
    return world.client.post("/v1/orders", content=body(), headers=headers)


@pytest.fixture(scope="module")
def found(gateway: Process, database: DatabaseUrls) -> Iterator[dict[str, Any]]:
    """What is read, and how it ends; all at once, because each takes seconds."""
    house = Harness(Gateway, database.application)
    names = [*WAYS, OTHER_RIGHTS, *DOWNLOADS, SLOW_BODY]
    worlds = {name: World(gateway, house) for name in names}
    with ThreadPoolExecutor(len(names)) as threads:
        under_way = {way: threads.submit(_read_list, worlds[way], way) for way in (*WAYS, OTHER_RIGHTS)}
        under_way |= {path: threads.submit(_read, worlds[path], path, {}, worlds[path].leave) for path in DOWNLOADS}
        slow = threads.submit(_send_slowly, worlds[SLOW_BODY])
        yield {name: future.result() for name, future in under_way.items()} | {SLOW_BODY: slow.result()}
    for world in worlds.values():
        world.client.close()
    house.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_long_list_ends_with_the_rights_of_its_reader(found: dict[str, Any], way: str) -> None:
    """A1. A list that goes on with less would look like the whole."""
    seconds, last, broken_off = found[way]
    assert broken_off and seconds < SECONDS
    assert last.splitlines()[-1].startswith(f"#error,{WAYS[way][1]},")


def test_a_long_list_goes_on_when_other_rights_change(found: dict[str, Any]) -> None:
    seconds, last, broken_off = found[OTHER_RIGHTS]
    assert not broken_off and seconds > SECONDS and "#error" not in last


@pytest.mark.parametrize("path", DOWNLOADS, ids=["result", "errors"])
def test_a_download_ends_with_its_reader(found: dict[str, Any], path: str) -> None:
    """A1. What the reader may still see of it, the service says at every piece (A5)."""
    seconds, _, broken_off = found[path]
    assert broken_off and seconds < SECONDS


def test_a_body_that_comes_slowly_is_judged_by_the_rights_at_its_end(found: dict[str, Any]) -> None:
    """A1. The head of a request is no ticket for what follows it."""
    answer = found[SLOW_BODY]
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
