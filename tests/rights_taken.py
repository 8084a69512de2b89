"""Everything that outlives a request, in the hands of somebody whose rights are then taken away, and what is seen of it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import pika
from pika.exceptions import ProbableAuthenticationError

from gateway.events.management import Management
from shared.kernel.ids import DEFAULT_COMPANY_ID
from tests.gateway.webhooks.receiver import Receiver, receiving
from tests.shared.waiting import until
from tests.suite import Api, Suite

SECONDS = 5.0
PASSWORD = "plum-kettle-orbit-7"
JOBS = "crm_contacts"
TEAM, DISSOLUTION = "team", "dissolution"
CHANNELS = ("http", "stream", "amqp", "webhook", "job")
RIGHTS = (
    "contacts.*:read", "contacts.*:write", "sales.quotes:read", "gateway.events:read", "gateway.webhooks:*",
    "gateway.event_subscriptions:*", "gateway.api_keys:write",
)  # fmt: skip
_HOLD = (
    "UPDATE job SET status = 'running', runner = gen_random_uuid(), leased_until = now() + interval '1 hour'"
    " WHERE id = %s AND status IN ('queued', 'running') RETURNING id"
)
"""As if another replica were at it: so that it is under way for as long as the test takes."""


@dataclass
class Victim:
    """Somebody with everything that outlives a request, made with or without the company in a header."""

    way: str
    user: dict[str, Any]
    role: dict[str, Any]
    credential: str
    header: dict[str, str]
    webhook: dict[str, Any] = field(default_factory=dict)
    subscription: dict[str, Any] = field(default_factory=dict)
    job: str = ""
    cut: bool = False

    @property
    def name(self) -> tuple[str, bool]:
        return self.way, bool(self.header)


class World:
    """The administrator's side: what is to be seen, and how it is taken away."""

    def __init__(self, suite: Suite, receiver: Receiver) -> None:
        self.suite, self.api, self.receiver = suite, suite.api, receiver
        self.http = httpx.Client(base_url=suite.base_url, timeout=30)
        self.broker = Management(suite.servers.management_url, suite.name)
        self.other = {"X-Company-Id": self.api.post("/v1/companies", {"name": "Elsewhere"})["id"]}
        self.teams = {way: self.api.post("/v1/teams", {"name": f"{way} {uuid4()}"}) for way in (TEAM, DISSOLUTION)}
        self.owners = {way: self.user("hr", team_id=team["id"]) for way, team in self.teams.items()}
        self.quotes = {way: self._quote(owner) for way, owner in self.owners.items()}
        self.gone: dict[tuple[str, bool, str], float] = {}
        self.victims: list[Victim] = []
        self.control = self.api.post("/v1/webhooks", self._hook("control"))
        self.threads: list[threading.Thread] = []

    def team(self, way: str) -> dict[str, Any]:
        """That of the owner of the quote that is looked at."""
        return self.teams[DISSOLUTION if way == DISSOLUTION else TEAM]

    def user(self, *roles: str, **more: Any) -> dict[str, Any]:
        body = {"email": f"{uuid4()}@taken.example", "name": "X", "roles": list(roles), "password": PASSWORD}
        made: dict[str, Any] = self.api.post("/v1/users", {**body, **more})
        return made

    def _quote(self, owner: dict[str, Any]) -> str:
        """A quote of somebody else, in another company."""
        customer = self.api.post("/v1/contacts", {"kind": "organization", "name": "Rights", "roles": ["customer"]})
        known = [self.api.last_event]
        product = self.api.post(
            "/v1/products", {"sku": f"R-{uuid4()}", "name": "Lamp", "sale_price": "1.00", "tax_code": "S20"}
        )
        body = {"customer_id": customer["id"], "lines": [{"product_id": product["id"], "quantity": "1"}]}
        known.append(self.api.last_event)
        made = self.api.http.post(
            f"/v1/quotes?wait_for={','.join(known)}",
            json={**body, "owner_id": owner["id"]}, headers={**self.other, "Idempotency-Key": str(uuid4())},
        )  # fmt: skip
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def happens(self) -> float:
        """An event in the other company, told to the administrator's webhook when this returns; when it happened."""
        got = len(self.receiver.ids("/control"))
        made = self.api.http.post("/v1/contacts", json={"kind": "organization", "name": "Event"}, headers=self.other)
        assert made.status_code == 201, made.text
        happened = time.monotonic()
        until(lambda: len(self.receiver.ids("/control")) > got)
        return happened

    def _hook(self, path: str) -> dict[str, Any]:
        return {"url": f"{self.receiver.url}/{path}", "event_types": ["crm_contacts.contact.*"]}

    # -- what outlives a request ---------------------------------------------------------------------------------------

    def admit(self, way: str) -> None:
        """Two of this way, without and with a header."""
        held = [
            f"sales.quotes:read@{TEAM}" if right.startswith("sales") and way in self.teams else right
            for right in RIGHTS
        ]
        role = self.api.post("/v1/roles", {"name": f"r{uuid4().hex[:12]}", "permissions": held})
        user = self.user(role["name"], team_id=self.team(way)["id"])
        credential = Api.signed_in(self.suite.base_url, user["email"], PASSWORD).token
        if way == "key":
            made = self.call(credential, {}, "/v1/api-keys", {"name": "x", "scopes": list(RIGHTS)})
            user["key"], credential = made["id"], made["secret"]
        for header in ({}, self.other):
            self._equip(Victim(way, user, role, credential, header))

    def _equip(self, victim: Victim) -> None:
        victim.webhook = self._as(victim, "/v1/webhooks", self._hook(f"{victim.way}/{bool(victim.header)}"))
        wanted = {"name": "x", "bindings": ["crm_contacts.contact.created"]}
        victim.subscription = self._as(victim, "/v1/event-subscriptions", wanted)
        while not self.suite.sql(JOBS, _HOLD, victim.job or str(uuid4())):
            victim.job = self._import(victim)
        self.threads.append(threading.Thread(target=self._follow, args=(victim, opened := threading.Event())))
        self.threads[-1].start()
        assert opened.wait(10)
        self.victims.append(victim)

    def _import(self, victim: Victim) -> str:
        content = b"kind,name\norganization,X\n"
        answer = self.http.post(
            "/v1/contacts/import",
            files={"file": ("x.csv", content)}, data={"dry_run": "true"}, headers=self._headers(victim),
        )  # fmt: skip
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def _follow(self, victim: Victim, opened: threading.Event) -> None:
        headers, url = self._headers(victim), f"{self.suite.base_url}/v1/events/stream"
        with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
            assert answer.status_code == 200
            opened.set()
            for _ in answer.iter_raw():
                pass
        victim.cut = True

    def _as(self, victim: Victim, path: str, body: Any) -> dict[str, Any]:
        return self.call(victim.credential, victim.header, path, body)

    def call(self, credential: str, header: dict[str, str], path: str, body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {credential}", **header}
        answer = self.http.post(path, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def _headers(self, victim: Victim) -> dict[str, str]:
        return {"Authorization": f"Bearer {victim.credential}", **victim.header}

    # -- watching ------------------------------------------------------------------------------------------------------

    def seen(self, victim: Victim) -> bool:
        """Whether the quote is shown to them."""
        quote = self.quotes[DISSOLUTION if victim.way == DISSOLUTION else TEAM]
        return self.http.get(f"/v1/quotes/{quote}", headers=self._headers(victim)).status_code == 200

    def told(self, victim: Victim) -> int:
        return len(self.receiver.ids(f"/{victim.way}/{bool(victim.header)}"))

    def watch(self, since: dict[str, float]) -> None:
        """Ask until everything is gone; noted is for how long each was still seen after it had been taken."""
        before = {victim.name: self.told(victim) for victim in self.victims}
        over, happening = max(since.values()) + 3 * SECONDS, ThreadPoolExecutor(1).submit(self.happens)
        left = {
            (*victim.name, channel): 0.0
            for victim in self.victims
            for channel in CHANNELS
            if channel != "webhook" and (victim.way, channel) not in UNTOLD
        }
        while left and time.monotonic() < over:
            self._look(left, since)
            time.sleep(0.1)
        happened = happening.result()
        for victim in self.victims:
            if self.told(victim) == before[victim.name]:
                self.gone[(*victim.name, "webhook")] = max(0.0, happened - since[victim.way])

    def _look(self, left: dict[tuple[str, bool, str], float], since: dict[str, float]) -> None:
        """Once at everything that is left. On a busy machine that takes a while: what counts is when each was asked."""
        begun = time.monotonic()
        accounts, jobs = self.broker.users(), self._jobs()
        for victim in self.victims:
            asked = time.monotonic()
            for channel, (at, gone) in {
                "http": (asked, (*victim.name, "http") not in left or not self.seen(victim)),
                "stream": (asked, victim.cut),
                "amqp": (begun, victim.subscription["user"] not in accounts),
                "job": (begun, jobs[victim.job] == ("failed", "rights_taken_away")),
            }.items():
                name = (*victim.name, channel)
                if gone:
                    self.gone.setdefault(name, left.pop(name, 0.0))
                elif name in left:
                    left[name] = max(0.0, at - since[victim.way])

    def statuses(self) -> dict[str, str]:
        """Of the latest subscriptions."""
        found = self.api.get("/v1/event-subscriptions", limit=200)["data"]
        return {row["id"]: row["status"] for row in found}

    def _jobs(self) -> dict[str, tuple[str, str | None]]:
        rows = self.suite.sql(JOBS, "SELECT id::text, status, failure->>'code' FROM job ORDER BY id DESC LIMIT 200")
        return {id_: (status, code) for id_, status, code in rows}

    def lets_in(self, victim: Victim) -> bool:
        """Whether the broker knows the account of the subscription."""
        made = victim.subscription
        parts = urlsplit(made["address"])
        place = f"{made['user']}:{made['password']}@{parts.netloc}"
        try:
            pika.BlockingConnection(pika.URLParameters(urlunsplit(parts._replace(netloc=place)))).close()
        except ProbableAuthenticationError:
            return False
        return True

    def leave(self) -> None:
        """As it was found."""
        for victim in self.victims:
            self.suite.sql(JOBS, "UPDATE job SET status = 'cancelled', runner = NULL WHERE id = %s", victim.job)
            self.api.post(f"/v1/users/{victim.user['id']}/deactivate")
        for path, kept in (("webhooks", "webhook"), ("event-subscriptions", "subscription")):
            for known in [self.control] * (kept == "webhook") + [getattr(victim, kept) for victim in self.victims]:
                self.api.delete(f"/v1/{path}/{known['id']}")  # the machinery may be changing it, too
        self.api.delete(f"/v1/teams/{self.teams[TEAM]['id']}")
        for thread in self.threads:
            thread.join(10)
        self.http.close()


def _patch(world: World, user: dict[str, Any], **change: Any) -> None:
    world.api.patch(f"/v1/users/{user['id']}", change, world.api.get(f"/v1/users/{user['id']}")["version"])


def _change_role(world: World, role: dict[str, Any], *permissions: str) -> None:
    world.api.patch(f"/v1/roles/{role['id']}", {"permissions": list(permissions)}, role["version"])


WAYS: dict[str, Callable[[World, Victim], Any]] = {
    "role": lambda world, victim: _patch(world, victim.user, roles=[]),
    "permissions": lambda world, victim: _change_role(world, victim.role, "gateway.events:read"),
    "reach": lambda world, victim: _change_role(world, victim.role, *(f"{right}@own" for right in RIGHTS)),
    TEAM: lambda world, victim: _patch(world, victim.user, team_id=None),
    DISSOLUTION: lambda world, victim: world.api.delete(f"/v1/teams/{world.teams[DISSOLUTION]['id']}"),
    "companies": lambda world, victim: _patch(world, victim.user, companies=[str(DEFAULT_COMPANY_ID)]),
    "deactivation": lambda world, victim: world.api.post(f"/v1/users/{victim.user['id']}/deactivate"),
    "key": lambda world, victim: world.api.post(f"/v1/api-keys/{victim.user['key']}/revoke"),
}
"""How rights are taken away."""

UNTOLD = {(way, channel) for way in (TEAM, DISSOLUTION) for channel in ("stream", "amqp", "webhook")}
"""A permission that reaches to a team shows no events, so a team has none to take away."""


@contextmanager
def everybody(suite: Suite) -> Iterator[World]:
    """Somebody for each way, with everything at work; nothing is left behind."""
    with receiving() as receiver:
        world = World(suite, receiver)
        try:
            for way in WAYS:
                world.admit(way)
            _begun(world)
            yield world
        finally:
            world.leave()


def _begun(world: World) -> None:
    active = {victim.subscription["id"] for victim in world.victims}
    until(lambda: all(world.statuses()[id_] == "active" for id_ in active))
    world.happens()
    until(lambda: all(world.told(victim) for victim in world.victims))
    assert all(world.seen(victim) and world.lets_in(victim) for victim in world.victims)
    assert not any(victim.cut for victim in world.victims)


def take_all(world: World) -> None:
    """All rights at once; returns when what goes on has been watched."""
    since = {}
    for victim in world.victims[::2]:
        WAYS[victim.way](world, victim)
        since[victim.way] = time.monotonic()
    world.watch(since)
