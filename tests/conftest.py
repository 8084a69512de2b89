"""Private PostgreSQL and RabbitMQ for the whole test run, and a fresh database per test."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from hypothesis import HealthCheck, settings

from deploy.local import servers as local
from deploy.local.provision import DatabaseUrls, provision
from tests import ports  # noqa: F401 - keeps deploy.local.ports to the range of this lane
from tests.harness import Harness
from tests.suite import Suite

settings.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_machine")  # how long something takes on a busy machine proves nothing

ROOT = Path(__file__).resolve().parent.parent
QUICK_RETRIES = {"LIAISON_RETRY_SECONDS": "0.1,0.3,1,3,10", "LIAISON_NOT_YET_SECONDS": "0.05,0.1,0.3,0.5,1,2,5,10"}
POSTGRES_FOR_TESTS = "max_connections = 300\nshared_buffers = 128MB"
POSTGRES_FOR_A_RUN = f"{POSTGRES_FOR_TESTS}\nfsync = off"
"""For servers whose data nobody wants after the run. A killed server recovers all the same: only a crash of the machine
loses what was not synchronised. A new database and its end take 0.055 s so, and 0.5 s with fsync."""


def pytest_configure() -> None:
    """SIGTERM ends a run as Ctrl-C does, with servers stopped. A shell's background job does not hear Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def own_root() -> Iterator[Path]:
    """A folder of our own under .local/test: several test runs may go on beside each other."""
    for number in range(20):
        root = ROOT / ".local" / "test" / f"{os.environ.get('TEST_LANE', '')}{number}"
        root.mkdir(parents=True, exist_ok=True)
        lock: IO[str] = (root / "run.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        yield root
        lock.close()
        return
    raise RuntimeError("twenty test runs at once")


@pytest.fixture(scope="session")
def postgresql(own_root: Path) -> Iterator[local.Servers]:
    """A private PostgreSQL, started once per run."""
    running = local.start(own_root / "pg", POSTGRES_FOR_A_RUN, rabbitmq=False)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def pair(own_root: Path) -> Iterator[local.Servers]:
    """PostgreSQL and RabbitMQ, started once per run, for everything that needs a broker."""
    running = local.start(own_root / "pair", POSTGRES_FOR_A_RUN)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def running(pair: local.Servers, own_root: Path) -> Iterator[Suite]:
    """The whole suite, started once per run: real services behind a real gateway. Leave it as you found it."""
    env = QUICK_RETRIES | {"LIAISON_STATEMENT_SECONDS": "5", "LIAISON_WEBHOOK_ALLOW": "127.0.0.0/8"}
    started = Suite(pair, own_root / "e2e", "e2e", env=env, together=True).start()
    yield started
    started.stop()


class Databases:
    """Migrated template databases, one per service, and clones of them."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self.templates: dict[str, DatabaseUrls] = {}
        self.count = 0

    def fresh(self, service: str) -> DatabaseUrls:
        """The addresses of a new, migrated, empty database."""
        template = self._template(service)
        self.count += 1
        name = f"t_{service}_{os.getpid()}_{self.count}"
        # From PostgreSQL 15 there is a strategy that writes every page to the log; before, this was the only one.
        strategy = "STRATEGY file_copy" if self._admin.server_version >= 150000 else ""
        self._execute(f'CREATE DATABASE "{name}" OWNER "{service}_owner" TEMPLATE "{service}" {strategy}')
        self._execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        self._execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{service}", auditor')
        return DatabaseUrls(*(_renamed(url, name) for url in (template.application, template.owner, template.auditor)))

    def drop(self, urls: DatabaseUrls) -> None:
        self._execute(f'DROP DATABASE IF EXISTS "{urlsplit(urls.owner).path[1:]}" WITH (FORCE)')

    def _template(self, service: str) -> DatabaseUrls:
        if service not in self.templates:
            self._execute(f'DROP DATABASE IF EXISTS "{service}" WITH (FORCE)')
            urls = provision(self.admin_url, [service], password=lambda role: f"test-{role}")[service]
            migrate(service, urls.owner)
            self.templates[service] = urls
        return self.templates[service]

    def close(self) -> None:
        self._admin.close()

    def _execute(self, statement: str) -> None:
        with self._admin.cursor() as cursor:
            cursor.execute(statement)

    @cached_property
    def _admin(self) -> Any:
        """One connection for all: signing in costs more than most statements."""
        connection = psycopg2.connect(self.admin_url)
        connection.autocommit = True
        return connection


def migrate(service: str, owner_url: str) -> None:
    """Apply a service's migrations as the operator would."""
    env = {**os.environ, f"LIAISON_{service.upper()}_OWNER_DATABASE_URL": owner_url}
    subprocess.run([sys.executable, "-m", "shared.ops.operator", "migrate", service], cwd=ROOT, env=env, check=True)


def _renamed(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest.fixture(scope="session")
def databases(postgresql: local.Servers) -> Iterator[Databases]:
    made = Databases(postgresql.pg_admin_url)
    yield made
    made.close()


@pytest.fixture
def service(databases: Databases) -> Iterator[Callable[[type], Harness]]:
    """A factory: `service(CrmSales)` gives that service on a fresh database."""
    made: list[tuple[Harness, DatabaseUrls]] = []

    def make(service_cls: type) -> Harness:
        urls = databases.fresh(service_cls.name)  # type: ignore[attr-defined]
        made.append((Harness(service_cls, urls.application), urls))
        return made[-1][0]

    yield make
    for harness, urls in made:
        harness.close()
        databases.drop(urls)
