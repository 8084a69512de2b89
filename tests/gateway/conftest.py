"""A gateway process on a private broker and database, with an echo on the other end of the wire."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local import servers as local
from deploy.local.keys import ensure_signing_key
from deploy.local.plan import inherited_environment, with_credentials
from deploy.local.provision import DatabaseUrls
from gateway.identity import operator
from gateway.service import Gateway
from shared.contracts import SERVICES
from shared.contracts.crm_contacts import Team
from shared.contracts.erp_finance import CompanyAdded
from shared.kernel.ids import new_id
from shared.kernel.signing import Keys, Signer
from shared.messaging.topology import apply_users
from shared.storage.database import new_engine
from tests.conftest import ROOT, Databases
from tests.harness import Harness
from tests.ports import free_port

ADMIN = ("admin@lamp.example", "correct-horse-battery")
CLERK = ("clerk@lamp.example", "staple-battery-horse")
PASSWORD = "plum-kettle-orbit-7"
BROKER_PASSWORD = "secret-gateway"  # users of a broker are the same on all virtual hosts: as in tests/suite.py


@dataclass
class Process:
    """A gateway process and what is needed to talk to it."""

    env: dict[str, str]
    log: Path
    popen: "subprocess.Popen[bytes] | None" = None

    @property
    def port(self) -> int:
        return int(self.env["LIAISON_GATEWAY_HTTP_PORT"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, wait: bool = True) -> "Process":
        command = [sys.executable, "-m", "gateway"]
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log)
        if wait:
            self._wait_ready()
        return self

    def _wait_ready(self) -> None:
        """Loading takes long on a busy machine. What never gets ready is not left behind."""
        try:
            until(lambda: _answers(f"{self.url}/readyz"), 90)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.popen is not None
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(30)

    def metric(self, name: str) -> float:
        lines = httpx.get(f"http://127.0.0.1:{self.env['LIAISON_HEALTH_PORT']}/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def until(condition: Any, seconds: float = 20) -> None:
    """Wait for a condition; the test fails when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def _ports() -> dict[str, str]:
    return {name: str(free_port()) for name in ("LIAISON_GATEWAY_HTTP_PORT", "LIAISON_HEALTH_PORT")}


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="session")
def broker(pair: local.Servers) -> local.Servers:
    """A RabbitMQ whose accounts have the rights that they have in production, and no more."""
    apply_users(pair.management_url, "liaison", {name: f"secret-{name}" for name in SERVICES})
    return pair


@pytest.fixture(scope="session")
def echo(broker: local.Servers) -> Iterator[None]:
    with running_echo(broker, "crm_sales", "erp_finance"):
        yield


@contextmanager
def running_echo(broker: local.Servers, *services: str) -> "Iterator[subprocess.Popen[bytes]]":
    """An echo that takes the calls of the first service until the block ends, and may answer as the others."""
    command = [sys.executable, str(Path(__file__).with_name("echo.py")), broker.amqp_admin_uri, *services]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        yield process
        process.terminate()


@pytest.fixture(scope="session")
def database(databases: Databases) -> DatabaseUrls:
    """A database with an administrator and a warehouse clerk."""
    urls = databases.fresh("gateway")
    engine = new_engine(urls.application, pool_size=1)
    operator.create(engine, ADMIN[0], "Ada Ministre", ["admin"], ADMIN[1])
    operator.create(engine, CLERK[0], "Claude Lager", ["warehouse"], CLERK[1], language="fr")
    engine.dispose()
    return urls


@pytest.fixture(scope="session")
def environment(
    broker: local.Servers, database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Settings of a gateway with short times."""
    key = ensure_signing_key(tmp_path_factory.mktemp("keys") / "signing.pem")
    return inherited_environment(dict(os.environ)) | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'services'}",
        "LIAISON_GATEWAY_DATABASE_URL": database.application,
        "LIAISON_GATEWAY_AMQP_URI": with_credentials(broker.amqp_admin_uri, "gateway", BROKER_PASSWORD),
        "LIAISON_GATEWAY_DEADLINE_SECONDS": "2",
        "LIAISON_GATEWAY_DRAIN_SECONDS": "0.2",
        "LIAISON_GATEWAY_PENDING_CALLS": "20",
        "LIAISON_TURNS_PER_USER": "40",
        "LIAISON_SIGNING_KEY_FILE": str(key),
    }


@pytest.fixture(scope="session")
def keys(environment: dict[str, str]) -> Keys:
    """What services verify statements with."""
    return Keys(own=Signer(environment["LIAISON_SIGNING_KEY_FILE"]).public)


@pytest.fixture(scope="session")
def gateway(environment: dict[str, str], echo: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = Process(environment | _ports(), tmp_path_factory.mktemp("log") / "gateway.log").start()
    until(lambda: process.metric("rpc_client_connected") == 1)
    yield process
    process.stop()


@pytest.fixture
def own_gateway(environment: dict[str, str], tmp_path: Path) -> Iterator[Process]:
    """A gateway for one test, not started yet; its buckets are full and its log is empty."""
    process = Process(environment | _ports(), tmp_path / "gateway.log")
    yield process
    if process.popen and process.popen.poll() is None:
        process.stop()


def sign_in(url: str, email: str, password: str) -> httpx.Client:
    answer = httpx.post(f"{url}/v1/auth/token", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {answer.json()['access_token']}"}, timeout=15)


@pytest.fixture(scope="session")
def admin(gateway: Process) -> Iterator[httpx.Client]:
    with sign_in(gateway.url, *ADMIN) as client:
        yield client


@pytest.fixture(scope="session")
def clerk(gateway: Process) -> Iterator[httpx.Client]:
    with sign_in(gateway.url, *CLERK) as client:
        yield client


Make = Callable[..., dict[str, Any]]
Enter = Callable[[str, str], httpx.Client]


@pytest.fixture(scope="module")
def house(database: DatabaseUrls) -> Iterator[Harness]:
    """The service behind the edge, on the edge's database."""
    harness = Harness(Gateway, database.application)
    yield harness
    harness.close()


@pytest.fixture
def make(house: Harness) -> Make:
    def user(*roles: str, **given: Any) -> dict[str, Any]:
        email = f"{new_id()}@lamp.example"
        body = {"email": email, "name": "Somebody", "roles": list(roles), "password": PASSWORD, **given}
        return dict(house.call("create_user", body=body))

    return user


def company(house: Harness, id_: UUID | None = None) -> str:
    """The id of a company that finance has told of."""
    added = CompanyAdded(company_id=id_ or new_id(), name="Filiale", currency="EUR", time_zone="Europe/Paris")
    assert house.deliver(added) == "done"
    return str(added.company_id)


def team(house: Harness, name: str = "North", **told: Any) -> str:
    """The id of a team that crm_contacts has told of."""
    created: Any = Team.created(**{"team_id": new_id(), "name": name, "manager_id": None, "active": True, **told})
    assert house.deliver(created) == "done"
    return str(created.team_id)


@pytest.fixture
def enter(gateway: Process) -> Iterator[Callable[[str, str], httpx.Client]]:
    """Sign in; the connections end with the test."""
    clients: list[httpx.Client] = []

    def signed_in(email: str, password: str) -> httpx.Client:
        clients.append(sign_in(gateway.url, email, password))
        return clients[-1]

    yield signed_in
    for client in clients:
        client.close()
