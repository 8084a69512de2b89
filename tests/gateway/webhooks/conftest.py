"""The service behind the edge with a real database, its store of events, and a worker that the test drives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from deploy.local.keys import ensure_webhook_key
from gateway.identity.built_in import permissions_of
from gateway.models import Role, User
from gateway.service import Gateway
from gateway.webhooks import sealing
from gateway.webhooks import settings as reading
from gateway.webhooks.schedule import Schedule
from gateway.webhooks.settings import Settings
from gateway.webhooks.worker import Worker
from shared.contracts import crm_contacts as contacts
from shared.contracts import crm_sales as sales
from shared.kernel.ids import new_event_id, new_id
from shared.schema.contract import Event
from tests.conftest import Databases
from tests.harness import Harness, message

OWN_WEBHOOKS = ("gateway.webhooks:read@own", "gateway.webhooks:write@own")


@dataclass
class Desk:
    """A harness of the gateway with users, and what tests of webhooks do over and over."""

    harness: Harness
    users: dict[str, str] = field(default_factory=dict)
    numbers: dict[UUID, int] = field(default_factory=dict)

    def user(self, role: str) -> str:
        """The id of a user with this role."""
        if role not in self.users:
            made = User(email=f"{role}@lamp.example", name=role, roles=[role, "hooks"])
            with self.harness.session() as session:
                if not self.users:
                    session.add(Role(name="hooks", permissions=list(OWN_WEBHOOKS)))
                session.add(made)
                session.commit()
            self.users[role] = str(made.id)
        return self.users[role]

    def call(self, operation: str, role: str = "admin", **given: Any) -> Any:
        """As a user with this role, who may have webhooks of their own."""
        held = (*permissions_of((role,)), *OWN_WEBHOOKS)
        return self.harness.call(operation, **{"actor": self.user(role), "permissions": held, **given})

    def webhook(self, url: str, *event_types: str, role: str = "admin", active: bool = True, **given: Any) -> Any:
        body = {"url": url, "event_types": list(event_types) or ["#"], "active": active}
        return self.call("create_webhook", role, body=body, **given)

    def happens(self, *events: Event) -> list[str]:
        """Store these events as if the broker had brought them; returns their ids."""
        ids = [new_event_id(event.full_type) for event in events]
        self.harness.record("event_store", *(message(e, i) for e, i in zip(events, ids, strict=True)))
        return [str(one) for one in ids]

    def deliveries(self, webhook: Any, **query: str) -> list[Any]:
        """The log, the oldest first."""
        found = self.call("list_webhook_deliveries", id=webhook["id"], query={"sort": "at", "limit": "200", **query})
        return list(found["data"])

    def sql(self, statement: str, **values: Any) -> list[Any]:
        from sqlalchemy import text

        with self.harness.session() as session:
            found = session.execute(text(statement), values)
            rows = [tuple(row) for row in found] if found.returns_rows else []
            session.commit()
            return rows


def held(number: str = "SO-1") -> sales.OrderHeld:
    """An order that waits for a person."""
    return sales.OrderHeld(order_id=new_id(), number=number, reason="credit_limit_exceeded")


def registered() -> contacts.ContactCreated:
    """A customer."""
    return contacts.ContactCreated(
        contact_id=new_id(), kind="organization", name="Lampe SARL", status="active", roles=["customer"], language="fr",
        email=None, siren=None, vat_number=None, country="FR",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def told(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the operator tells the process: a key, and that loopback may be reached."""
    monkeypatch.setenv("LIAISON_WEBHOOK_KEY_FILE", str(ensure_webhook_key(tmp_path / "webhook-key")))
    monkeypatch.setenv("LIAISON_WEBHOOK_ALLOW", "127.0.0.0/8")
    for cached in (sealing.vault, reading.settings):
        cached.cache_clear()
    yield
    for cached in (sealing.vault, reading.settings):
        cached.cache_clear()


@pytest.fixture
def desk(databases: Databases) -> Iterator[Desk]:
    urls = databases.fresh("gateway")
    harness = Harness(Gateway, urls.application)
    yield Desk(harness)
    harness.close()
    databases.drop(urls)


QUICK = Schedule(delays=(0.05, 0.1, 0.2, 0.2), jitter=0)


@pytest.fixture
def worker(desk: Desk) -> Iterator[Callable[..., "Driven"]]:
    """Makes workers that run in threads of this process, with quick delays."""
    made: list[Driven] = []

    def make(**changes: Any) -> Driven:
        settings = replace(reading.settings(), **{"schedule": QUICK, "poll": 0.02, "limit": 2.0, **changes})
        made.append(Driven(desk, settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()


class Driven:
    """A worker that a test lets run, or lets do one round."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        import threading

        self.ending = threading.Event()
        self.worker = Worker(desk.harness.engine, settings, self.ending)
        self._thread = threading.Thread(target=self.worker.run)

    def start(self) -> "Driven":
        self._thread.start()
        return self

    def round(self) -> None:
        """Begin what is due and wait until it has ended."""
        self.worker._begin_what_is_due()
        for thread in list(self.worker._running):
            thread.join(10)

    def stop(self) -> None:
        self.ending.set()
        if self._thread.is_alive():
            self._thread.join(10)
