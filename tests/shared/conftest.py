"""The toy service on real servers: alone on a database, or as processes on the bus."""

import json
import os
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
import pytest
from sqlalchemy import Connection

from deploy.local import servers as local
from deploy.local.keys import ensure_signing_key, write_public_key
from deploy.local.plan import inherited_environment, with_credentials
from deploy.local.ports import Ports
from deploy.local.provision import DatabaseUrls, provision
from deploy.local.supervisor import Spec, Supervisor
from shared import contracts
from shared.api.caller import Caller
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.signing import Signer
from shared.storage.connecting import single
from tests.conftest import ROOT, Databases, _renamed
from tests.harness import Harness
from tests.shared.toy.models import create_schema
from tests.shared.toy.service import Toy

_TABLES = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"


class ToyDatabases(Databases):
    """Clones of a database with the toy's schema."""

    def __init__(self, admin_url: str) -> None:
        super().__init__(admin_url)
        self._create: dict[str, Callable[[Connection], None]] = {"toy": create_schema}

    def empty(self, url: str) -> None:
        """Remove all rows, also those that triggers protect: quicker than a new database."""
        with psycopg2.connect(_renamed(self.admin_url, urlsplit(url).path[1:])) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = replica")
                cursor.execute(_TABLES)
                tables = [name for (name,) in cursor.fetchall()]
                cursor.execute(";".join(f'DELETE FROM "{table}"' for table in tables))
        connection.close()

    def fresh_of(self, service: str, create: Callable[[Connection], None]) -> DatabaseUrls:
        """A database of another service that only tests know."""
        self._create[service] = create
        return self.fresh(service)

    def _template(self, service: str) -> DatabaseUrls:
        if service not in self.templates:
            self._execute(f'DROP DATABASE IF EXISTS "{service}" WITH (FORCE)')
            urls = provision(self.admin_url, [service], password=lambda role: f"test-{role}")[service]
            with single(urls.owner, "READ COMMITTED").begin() as connection:
                self._create[service](connection)
            self.templates[service] = urls
        return self.templates[service]


@pytest.fixture(scope="session")
def toy_databases(postgresql: local.Servers) -> Iterator[ToyDatabases]:
    made = ToyDatabases(postgresql.pg_admin_url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def toy_urls(toy_databases: ToyDatabases) -> DatabaseUrls:
    return toy_databases.fresh("toy")


@pytest.fixture(scope="session")
def toy_url(toy_urls: DatabaseUrls) -> str:
    return toy_urls.application


@pytest.fixture(scope="session")
def toy_owner_url(toy_urls: DatabaseUrls) -> str:
    """For tests that need a table of their own: a service may create none."""
    return toy_urls.owner


@pytest.fixture
def toy(toy_databases: ToyDatabases, toy_url: str) -> Iterator[Harness]:
    """The toy on an empty database, without a broker."""
    harness = Harness(Toy, toy_url)
    yield harness
    harness.close()
    toy_databases.empty(toy_url)


class ToyOnTheBus:
    """Processes of the toy service on its own virtual host; any number of replicas."""

    def __init__(self, pair: local.Servers, urls: DatabaseUrls, root: Path, replicas: int, env: dict[str, str]) -> None:
        self.pair, self.urls, self.root = pair, urls, root
        self.vhost = f"toy_{os.getpid()}_{root.name}"
        self.root.mkdir(parents=True, exist_ok=True)
        self.signing_key = ensure_signing_key(self.root / "signing-key.pem")
        self.keys = write_public_key(self.signing_key)
        self._prepare_broker()
        ports = Ports(root / "ports.json")
        self.health = {f"toy.{n}": ports.get(f"health.{n}") for n in range(1, replicas + 1)}
        self.supervisor = Supervisor(
            [self._spec(name, port, env) for name, port in self.health.items()], root / "log", report=lambda _: None
        )

    def start(self) -> "ToyOnTheBus":
        self.supervisor.start_all()
        self.supervisor.wait_ready(timeout=60)
        return self

    def stop(self) -> None:
        self.supervisor.stop_all()
        self.manage("DELETE", f"vhosts/{quote(self.vhost)}")

    @property
    def amqp_uri(self) -> str:
        """The administrator's address of the virtual host."""
        return urlunsplit(urlsplit(self.pair.amqp_admin_uri)._replace(path=f"/{self.vhost}"))

    def uri_of(self, user: str) -> str:
        return with_credentials(self.amqp_uri, user, f"secret-{user}")

    def user(self, name: str, configure: str, write: str, read: str, topics: dict[str, str] | None = None) -> str:
        """A broker user with exactly these rights; returns its address."""
        self.manage("PUT", f"users/{name}", {"password": f"secret-{name}", "tags": ""})
        self.manage("PUT", f"permissions/{self.vhost}/{name}", {"configure": configure, "write": write, "read": read})
        for exchange, pattern in (topics or {}).items():
            body = {"exchange": exchange, "write": pattern, "read": ".*"}
            self.manage("PUT", f"topic-permissions/{self.vhost}/{name}", body)
        return self.uri_of(name)

    def statement(self, *permissions: str, service: str = "toy", seconds: int = 600) -> str:
        """What the edge would say of a caller."""
        caller = Caller("tester", permissions or ("*",), DEFAULT_COMPANY_ID)
        return caller.signed(Signer(str(self.signing_key)), service, seconds)

    def declare(self) -> list[str]:
        from shared.messaging.topology import declare

        return declare(self.amqp_uri, [Toy])

    def log(self) -> str:
        return "".join(self.supervisor.log_of(name).read_text() for name in self.health)

    def metric(self, name: str) -> float:
        """The sum over all replicas of the samples that begin with this text."""
        total = 0.0
        for port in self.health.values():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
            total += sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))
        return total

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.urls.owner)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def as_superuser(self, statement: str) -> list[tuple[Any, ...]]:
        """In another database, so that this one can be closed."""
        connection = psycopg2.connect(self.pair.pg_admin_url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def manage(self, method: str, path: str, body: Any = None) -> None:
        parts = urlsplit(self.pair.management_url)
        secret = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        request = urllib.request.Request(
            f"http://{parts.hostname}:{parts.port}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {secret}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            response.read()

    def _prepare_broker(self) -> None:
        from shared.messaging.topology import apply_users

        admin = urlsplit(self.pair.management_url).username
        self.manage("PUT", f"vhosts/{self.vhost}", {})
        self.manage("PUT", f"permissions/{self.vhost}/{admin}", {"configure": ".*", "write": ".*", "read": ".*"})
        self.declare()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(contracts, "SERVICES", (*contracts.SERVICES, "toy"))
            apply_users(self.pair.management_url, self.vhost, {"toy": "secret-toy"})

    def _spec(self, name: str, port: int, env: dict[str, str]) -> Spec:
        path = os.pathsep.join([str(ROOT), str(ROOT / "services"), str(ROOT / "tests" / "shared")])
        told = {
            "PYTHONPATH": path,
            "LIAISON_TOY_DATABASE_URL": self.urls.application,
            "LIAISON_TOY_AMQP_URI": self.uri_of("toy"),
            "LIAISON_HEALTH_PORT": str(port),
            "LIAISON_PROCESS_NAME": name,
            "LIAISON_CALLER_KEYS_FILE": str(self.keys),
        }
        argv = [sys.executable, "-m", "shared.ops.serve", "toy"]
        return Spec(name, argv, inherited_environment() | told | env, ROOT, f"http://127.0.0.1:{port}/readyz")


@pytest.fixture(scope="module")
def start_toy(pair: local.Servers, own_root: Path) -> Iterator[Callable[..., ToyOnTheBus]]:
    """A factory of running toys: `start_toy("name", replicas=2, LIAISON_FAULT=…)`."""
    databases = ToyDatabases(pair.pg_admin_url)
    started: list[ToyOnTheBus] = []

    def start(name: str, replicas: int = 1, **env: str) -> ToyOnTheBus:
        running = ToyOnTheBus(pair, databases.fresh("toy"), own_root / f"toy-{name}", replicas, env)
        started.append(running)
        return running.start()

    yield start
    with ThreadPoolExecutor() as pool:
        list(pool.map(ToyOnTheBus.stop, started))  # each waits for what its processes have begun
    for running in started:
        databases.drop(running.urls)
    databases.close()


def python(code: str, *arguments: str, timeout: float = 60) -> str:
    """Run a program in a process of its own; returns what it prints."""
    env = inherited_environment() | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "services")])}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        env=env, cwd=ROOT, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
