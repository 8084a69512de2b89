"""The whole suite as operators run it: real servers, real processes, the real gateway; for stories, faults and benchmarks."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import httpx
import psycopg2

from deploy.local import unprivileged
from deploy.local.keys import ensure_signing_key, ensure_webhook_key, write_public_key
from deploy.local.plan import GATEWAY, Access, Plan, inherited_environment, process_names, with_credentials
from deploy.local.ports import Ports
from deploy.local.provision import DatabaseUrls, drop, provision
from deploy.local.servers import Servers
from deploy.local.supervisor import Spec, Supervisor
from shared import contracts
from shared.api.caller import Caller
from shared.kernel.clock import Moved, machine_now
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.signing import Signer

CHECKOUT = Path(__file__).resolve().parent.parent
ADMIN = {"email": "admin@suite.example", "password": "correct-horse-battery-staple"}
UNLIMITED = {
    "LIAISON_RATE_PER_SECOND": "100000", "LIAISON_RATE_BURST": "1000000", "LIAISON_CALLS_PER_USER": "1000",
    "LIAISON_TURNS_PER_USER": "1000", "LIAISON_GATEWAY_PENDING_CALLS": "1000",
}  # fmt: skip
"""Settings of a gateway that one user asks as fast as it answers."""

TOGETHER = "services"
"""The name of the one process that hosts all services when a suite runs `together`."""


@dataclass
class Suite:
    """One running Liaison on its own databases and its own virtual host of shared servers.

    `together` hosts all services in one process, which is quicker to start and lighter; otherwise each service has
    `replicas` processes. `clock` is what moves its clock, if anything does. `env` goes to every service process (weathers,
    fault points, retry delays), `gateway_env` to the gateway.
    """

    services: ClassVar[tuple[str, ...]] = contracts.SERVICES
    """Those that have a database and processes."""

    servers: Servers
    root: Path
    name: str
    env: dict[str, str] = field(default_factory=dict)
    gateway_env: dict[str, str] = field(default_factory=dict)
    together: bool = False
    replicas: int = 1
    clock: Moved | None = None
    databases: dict[str, DatabaseUrls] = field(default_factory=dict)
    signed_in: list["Api"] = field(default_factory=list)

    def start(self) -> "Suite":
        self.root.mkdir(parents=True, exist_ok=True)
        names = self.services
        self.databases = provision(
            self.servers.pg_admin_url, names, prefix=f"{self.name}_", password=lambda role: f"secret-{role}"
        )
        owners = {f"LIAISON_{n.upper()}_OWNER_DATABASE_URL": self.databases[n].owner for n in names}
        self._operator(owners, "migrate", *names)
        self._create_user(ADMIN["email"], ADMIN["password"], "admin")
        self._vhost()
        self._topology()
        plan = self._plan()
        self.base_url = plan.base_url
        self.health_urls = plan.health_urls()
        self.specs = self._specs(plan)
        self.supervisor = Supervisor(self.specs, self.root / "log", report=lambda _: None)
        try:
            self.supervisor.start_all()
            self.supervisor.wait_ready(timeout=90)
            self.api = self.sign_in(ADMIN["email"], ADMIN["password"])
        except BaseException:
            self.supervisor.stop_all()
            raise
        return self

    def stop(self) -> None:
        """End the processes; databases and virtual host go too."""
        for api in self.signed_in:
            api.http.close()
        self.supervisor.stop_all()
        drop(self.servers.pg_admin_url, self.services, prefix=f"{self.name}_")
        self._management("DELETE", f"vhosts/{quote(self.name)}")

    # -- looking ------------------------------------------------------------------------------------------------------

    def sql(self, service: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a service's database, as its owner."""
        with psycopg2.connect(self.databases[service].owner) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def unsettled(self) -> dict[str, int]:
        """What is still under way: events to send, to deliver, to try again, and parked messages."""
        found: dict[str, int] = {}
        seen: set[tuple[str, str]] = set()
        sent: list[tuple[str, str]] = []
        for service in self.services:
            ((*counts, handled, events),) = self.sql(service, _UNSETTLED)
            found |= {
                f"{service} {what}": n
                for what, n in zip(("to send", "to try again", "parked"), counts, strict=True)
                if n
            }
            seen |= {(consumer, event_id) for consumer, event_id in handled}
            sent += [(event_id, event_type) for event_id, event_type in events]
        missing = sum((c, event_id) not in seen for event_id, kind in sent for c in self.listeners.get(kind, ()))
        return found | ({"undelivered": missing} if missing else {})

    @cached_property
    def listeners(self) -> dict[str, list[str]]:
        """Handler names by full event type."""
        from shared.api.handlers import collect, service_class

        found: dict[str, list[str]] = {}
        for service in self.services:
            for handler in collect(service_class(service)):
                for event in handler.events:
                    found.setdefault(event.full_type, []).append(handler.name)
        return found

    def quiesce(self, timeout: float = 60) -> None:
        """Wait until nothing is under way any more; not reaching that is a failure by itself."""
        left: dict[str, int] = {}
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            left = self.unsettled()
            if not left:
                return
            time.sleep(0.2)
        raise AssertionError(f"{self.name} did not come to rest in {timeout} s: {left}")

    def audit(self, *arguments: str) -> None:
        """Run the auditor; violations fail the test with its report."""
        urls = self.root / "urls.json"
        urls.write_text(json.dumps({n: u.auditor for n, u in self.databases.items()}))
        bindings = self.root / "bindings.json"
        bindings.write_text(_bindings())
        given = ["--urls", str(urls), "--bindings", str(bindings), "--grace", "0", *arguments]
        _run("deploy.auditor", self.clock_env, *given, about=self.name)

    @property
    def clock_env(self) -> dict[str, str]:
        """What moves the clock of a suite that has one of its own; nothing for the others."""
        of = self.clock
        return {"LIAISON_MODE": "development", "LIAISON_CLOCK_FILE": str(of.file)} if of else {}

    def move_to(self, instant: datetime) -> None:
        """All processes of the suite are at that instant from now on; who is signed in by a token signs in again."""
        assert self.clock
        self.clock.forward(instant - machine_now() - self.clock.ahead())
        for api in self.signed_in:
            api.bearer.expire()

    def user(self, email: str, *roles: str) -> "Api":
        """Another user, signed in."""
        password = "another-long-password"
        self._create_user(email, password, *roles)
        return self.sign_in(email, password)

    def statement(self, service: str, *permissions: str, actor: str = "tester") -> str:
        """What the edge says of a caller to a service, for those who call it over AMQP themselves."""
        caller = Caller(actor, permissions or ("*",), DEFAULT_COMPANY_ID)
        return caller.signed(Signer(str(self.root / "signing-key.pem")), service, 600)

    def sign_in(self, email: str, password: str) -> "Api":
        """A client that is closed with the suite."""
        self.signed_in.append(Api.signed_in(self.base_url, email, password))
        return self.signed_in[-1]

    def another_client(self) -> "Api":
        """The administrator at another machine, with connections of its own."""
        self.signed_in.append(Api(self.base_url, self.api.bearer))
        return self.signed_in[-1]

    def _create_user(self, email: str, password: str, *roles: str) -> None:
        from gateway.identity import operator
        from shared.storage.database import new_engine

        engine = new_engine(self.databases[GATEWAY].application, pool_size=1)
        operator.create(engine, email, email.split("@")[0], list(roles), password)
        engine.dispose()

    # -- setting up ---------------------------------------------------------------------------------------------------

    @property
    def amqp_uri(self) -> str:
        """The administrator's address of this suite's virtual host."""
        return urlunsplit(urlsplit(self.servers.amqp_admin_uri)._replace(path=f"/{self.name}"))

    def broker_uri(self, user: str) -> str:
        return with_credentials(self.amqp_uri, user, f"secret-{user}")

    def _vhost(self) -> None:
        admin = urlsplit(self.servers.management_url).username
        self._management("PUT", f"vhosts/{quote(self.name)}", {})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self._management("PUT", f"permissions/{quote(self.name)}/{admin}", everything)

    def _topology(self) -> None:
        from shared.messaging.topology import permissions

        passwords = self.root / "broker-passwords.json"
        passwords.write_text(json.dumps({user: f"secret-{user}" for user in permissions()}))
        env = {
            "LIAISON_AMQP_ADMIN_URI": self.amqp_uri,
            "LIAISON_RABBITMQ_MANAGEMENT_URL": self.servers.management_url,
            "LIAISON_BROKER_PASSWORDS": str(passwords),
        }
        self._operator(env, "topology")

    def _plan(self) -> Plan:
        ports = Ports(self.root / "ports.json")
        signing_key = ensure_signing_key(self.root / "signing-key.pem")
        webhook_key, caller_keys = ensure_webhook_key(self.root / "webhook-key"), write_public_key(signing_key)
        account = unprivileged.account(CHECKOUT, Path(sys.executable), self.root)
        for key in (signing_key, webhook_key, caller_keys):
            account.take(key)
        per_service = 1 if self.together else self.replicas
        processes = [p for s in self.services for p in process_names(s, per_service)]
        return Plan(
            checkout=CHECKOUT,
            python=Path(sys.executable),
            services=self.services,
            access={n: Access(u.application, self.broker_uri(n)) for n, u in self.databases.items()},
            health_ports={name: ports.get(f"health.{name}") for name in (*processes, TOGETHER, GATEWAY)},
            http_port=ports.get("http"),
            gateway_env={
                "LIAISON_SIGNING_KEY_FILE": str(signing_key),
                **self.gateway_env,
            },
            replicas={s: per_service for s in self.services},
            every_env={"LIAISON_CALLER_KEYS_FILE": str(caller_keys), **self.clock_env},
            behind_edge_env={
                "LIAISON_WEBHOOK_KEY_FILE": str(webhook_key),
                "LIAISON_RABBITMQ_MANAGEMENT_URL": self.servers.management_url,
            },
            account=account,
        )

    def _specs(self, plan: Plan) -> list[Spec]:
        path = {"PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'services'}"}
        specs = [replace(s, env={**s.env, **path, **({} if s.name == GATEWAY else self.env)}) for s in plan.specs()]
        if not self.together:
            return specs
        env: dict[str, str] = {}
        for spec in specs[:-1]:
            env |= spec.env
        port = plan.health_ports[TOGETHER]
        env |= {"LIAISON_HEALTH_PORT": str(port), "LIAISON_PROCESS_NAME": TOGETHER}
        argv = [sys.executable, "-m", "shared.ops.serve", *self.services]
        health = f"http://127.0.0.1:{port}"
        ready, live = f"{health}/readyz", f"{health}/livez"
        return [Spec(TOGETHER, argv, env, CHECKOUT, ready, live_url=live, account=plan.account), specs[-1]]

    def _operator(self, env: dict[str, str], *arguments: str) -> None:
        _run("shared.ops.operator", env, *arguments)

    def _management(self, method: str, path: str, body: dict[str, str] | None = None) -> None:
        parts = urlsplit(self.servers.management_url)
        secret = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        request = urllib.request.Request(
            f"http://{parts.hostname}:{parts.port}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {secret}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            response.read()


_UNSETTLED = """
    SELECT (SELECT count(*) FROM outbox WHERE state <> 'published'),
           (SELECT count(*) FROM inbox WHERE state IN ('retry', 'trying')),
           (SELECT count(*) FROM inbox WHERE state = 'parked'),
           (SELECT coalesce(json_agg(json_build_array(consumer, event_id)), '[]') FROM inbox),
           (SELECT coalesce(json_agg(json_build_array(event_id, type)), '[]') FROM outbox)
"""


@cache
def _bindings() -> str:
    """Who takes which events, as the services declare it: the same for all suites of a run."""
    return _run("shared.ops.operator", {}, "bindings")


def _run(module: str, env: dict[str, str], *arguments: str, about: str = "") -> str:
    """What a program of ours prints; the test fails where it does."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=CHECKOUT, env=_environment() | env, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{about or module} {arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _environment() -> dict[str, str]:
    return inherited_environment() | {"PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'services'}"}


class Refused(AssertionError):
    """The API said no. `status` and `problem` hold the answer."""

    def __init__(self, status: int, problem: Any, request: str) -> None:
        super().__init__(f"{request}: {status} {problem}")
        self.status, self.problem = status, problem

    @property
    def code(self) -> str:
        return str(self.problem.get("code"))


class Bearer(httpx.Auth):
    """An access token, and another one before it expires: a run of all tests takes longer than one lives."""

    def __init__(self, base_url: str, email: str, password: str) -> None:
        self._url, self._who = f"{base_url}/v1/auth/token", {"email": email, "password": password}
        self._token, self._until = "", 0.0
        self.token()

    def token(self) -> str:
        if time.monotonic() > self._until:
            answer = httpx.post(self._url, json=self._who, timeout=30)
            assert answer.status_code == 200, answer.text
            self._token, self._until = answer.json()["access_token"], time.monotonic() + answer.json()["expires_in"] / 2
        return self._token

    def expire(self) -> None:
        """The next request signs in again."""
        self._until = 0.0

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers.setdefault("Authorization", f"Bearer {self.token()}")
        yield request


class Api:
    """A client app: signed in, with an idempotency key on every write, asking again when told to."""

    def __init__(self, base_url: str, bearer: "Bearer", timeout: float = 30) -> None:
        self.http = httpx.Client(base_url=base_url, auth=bearer, timeout=timeout)
        self.bearer, self.last_event = bearer, ""

    @property
    def token(self) -> str:
        return self.bearer.token()

    @classmethod
    def signed_in(cls, base_url: str, email: str, password: str) -> "Api":
        return cls(base_url, Bearer(base_url, email, password))

    def get(self, path: str, **parameters: Any) -> Any:
        return self._checked(self.http.get(path, params=parameters))

    def post(self, path: str, body: Any = None, key: str | None = None, **parameters: Any) -> Any:
        headers = {"Idempotency-Key": key or str(uuid4())}
        return self._checked(self.http.post(path, json=body, headers=headers, params=parameters))

    def patch(self, path: str, body: Any, version: int) -> Any:
        headers = {"If-Match": f'"{version}"', "Content-Type": "application/merge-patch+json"}
        return self._checked(self.http.patch(path, content=json.dumps(body), headers=headers))

    def delete(self, path: str, version: int | None = None) -> Any:
        """None: whichever version there is."""
        return self._checked(self.http.delete(path, headers={"If-Match": f'"{version}"' if version else "*"}))

    def _checked(self, answer: httpx.Response) -> Any:
        if answer.status_code >= 400:
            raise Refused(answer.status_code, answer.json(), f"{answer.request.method} {answer.request.url.path}")
        self.last_event = answer.headers.get("X-Event-Id", "") or self.last_event
        return answer.json() if answer.content and answer.status_code != 204 else None

    def eventually(self, path: str, holds: Callable[[Any], bool], timeout: float = 20, **parameters: Any) -> Any:
        """GET until it holds; the answer that made it hold."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.get(path, **parameters)
            if holds(found):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{path} stayed as {json.dumps(found)[:2000]}")
            time.sleep(0.05)
