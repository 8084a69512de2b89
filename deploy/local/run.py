"""`make run`: from nothing to a signed-in request, and back to nothing at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from deploy.local import infrastructure, servers, unprivileged
from deploy.local.accounts import Account
from deploy.local.backoff import Backoff
from deploy.local.console import Stop, say, step
from deploy.local.files import Secrets, write_json, write_private
from deploy.local.halt import end_leftovers
from deploy.local.infrastructure import Infrastructure, Wanted
from deploy.local.keys import ensure_signing_key, ensure_webhook_key, write_public_key
from deploy.local.plan import (
    GATEWAY,
    OPERATOR,
    Access,
    Plan,
    inherited_environment,
    parse_replicas,
    process_names,
    with_credentials,
)
from deploy.local.ports import Ports, http_port
from deploy.local.process import ProcessId
from deploy.local.provision import DatabaseUrls, provision
from deploy.local.state import Lock, Recorded, Summary
from deploy.local.supervisor import Supervisor

ADMIN_EMAIL = "admin@atelier-lumiere.example"


class Interrupted(BaseException):
    """Somebody asked us to stop."""


@dataclass
class Session:
    """One `make run`, from taking the lock to releasing it."""

    checkout: Path
    root: Path
    lock: Lock
    infrastructure: Infrastructure | None = None
    supervisor: Supervisor | None = None
    summary: Summary | None = None
    databases: dict[str, DatabaseUrls] = field(default_factory=dict)
    _backoff: dict[str, Backoff] = field(default_factory=dict)
    _restart_at: dict[str, float] = field(default_factory=dict)
    _revivals: dict[str, threading.Thread] = field(default_factory=dict)

    def processes(self) -> dict[str, ProcessId]:
        ours = self.infrastructure.servers if self.infrastructure else None
        found = ours.processes() if ours else {}
        return found | (self.supervisor.processes() if self.supervisor else {})

    # -- up -----------------------------------------------------------------------------------------------------

    def up(self) -> None:
        begun = time.monotonic()
        services = known_services()
        replicas = parse_replicas(os.environ.get("LIAISON_REPLICAS", ""), services)
        secrets = Secrets(self.root / "secrets.json")
        recorded = Recorded(self.root)
        self.summary = Summary(self.root, recorded, self.processes)
        self.summary.remove()
        end_leftovers(recorded)
        port = http_port(os.environ.get("LIAISON_HTTP_PORT"))
        account = unprivileged.account(self.checkout, Path(sys.executable), self.root)
        unprivileged.refuse_port(account, port)
        self.infrastructure = infrastructure.start(self.root, Wanted.from_environment())
        self.summary.refresh()
        names = services
        with step("databases and roles"):
            self.databases = provision(
                self.infrastructure.pg_admin_url,
                names,
                password=lambda role: secrets.get(f"database:{role}"),
                connections={name: 60 + 40 * replicas[name] for name in names},
            )
        refuse_other_versions(self.databases)
        passwords = {user: secrets.get(f"broker:{user}") for user in (*names, OPERATOR)}
        self._operator_steps(names, passwords)
        plan = self._plan(replicas, passwords, secrets, port, account)
        self._start_processes(plan)
        self.lock.describe(plan.base_url)
        admin = {"email": ADMIN_EMAIL, "password": secrets.get("admin")}
        self._seed(plan.base_url, admin)
        self.summary.publish(self._facts(plan.base_url, admin, passwords))
        _welcome(plan.base_url, admin, self.root, time.monotonic() - begun)

    def _operator_steps(self, names: tuple[str, ...], passwords: Mapping[str, str]) -> None:
        assert self.infrastructure is not None
        password_file = self.root / "broker-passwords.json"
        write_json(password_file, dict(passwords))
        env = {
            "LIAISON_AMQP_ADMIN_URI": self.infrastructure.amqp_admin_uri,
            "LIAISON_BROKER_PASSWORDS": str(password_file),
        }
        if self.infrastructure.management_url:
            env["LIAISON_RABBITMQ_MANAGEMENT_URL"] = self.infrastructure.management_url
        owners = {f"LIAISON_{name.upper()}_OWNER_DATABASE_URL": self.databases[name].owner for name in names}
        with step("queues, permissions and migrations"), ThreadPoolExecutor(max_workers=3) as pool:
            pool.submit(compile_gateway, self.checkout)
            topology = pool.submit(run_operator, self.checkout, env, "topology")
            migrations = pool.submit(run_operator, self.checkout, owners, "migrate", *names)
        topology.result()
        migrations.result()

    def _plan(
        self,
        replicas: Mapping[str, int],
        passwords: Mapping[str, str],
        secrets: Secrets,
        port: int,
        account: Account,
    ) -> Plan:
        ports = Ports(self.root / "ports.json")
        signing_key = ensure_signing_key(self.root / "signing-key.pem")
        webhook_key = ensure_webhook_key(self.root / "webhook-key")
        caller_keys = write_public_key(signing_key)
        for key in (signing_key, webhook_key, caller_keys):
            account.take(key)
        processes = [name for service in replicas for name in process_names(service, replicas[service])]
        return Plan(
            checkout=self.checkout,
            python=Path(sys.executable),
            services=tuple(replicas),
            access={
                name: Access(urls.application, self._broker_uri(name, passwords))
                for name, urls in self.databases.items()
            },
            health_ports={name: ports.get(f"health.{name}") for name in (*processes, GATEWAY)},
            http_port=port,
            gateway_env={
                "LIAISON_SIGNING_KEY_FILE": str(signing_key),
                "LIAISON_ADMIN_EMAIL": ADMIN_EMAIL,
                "LIAISON_ADMIN_PASSWORD": secrets.get("admin"),
                **self._client_secret(account),
            },
            replicas=replicas,
            every_env={"LIAISON_CALLER_KEYS_FILE": str(caller_keys)},
            behind_edge_env={
                "LIAISON_WEBHOOK_KEY_FILE": str(webhook_key),
                **self._broker_management(),
            },
            account=account,
        )

    def _client_secret(self, account: Account) -> dict[str, str]:
        """A copy of the OpenID Connect client's secret that the services' account may read."""
        given = os.environ.get("LIAISON_OIDC_CLIENT_SECRET_FILE")
        if not given or account.name is None or Path(given).stat().st_mode & 0o077:
            return {}  # one that others can read is refused where it is used
        copy = self.root / "oidc-client-secret"
        write_private(copy, Path(given).read_text(encoding="utf-8"))
        account.take(copy)
        return {"LIAISON_OIDC_CLIENT_SECRET_FILE": str(copy)}

    def _broker_management(self) -> dict[str, str]:
        """With it the gateway's service makes queues and users for other systems."""
        assert self.infrastructure is not None
        url = self.infrastructure.management_url
        return {"LIAISON_RABBITMQ_MANAGEMENT_URL": url} if url else {}

    def _broker_uri(self, user: str, passwords: Mapping[str, str]) -> str:
        """The user's own account; without a management address there are no accounts but the given one."""
        assert self.infrastructure is not None
        uri = self.infrastructure.amqp_admin_uri
        return with_credentials(uri, user, passwords[user]) if self.infrastructure.management_url else uri

    def _start_processes(self, plan: Plan) -> None:
        assert self.summary is not None
        self.supervisor = Supervisor(plan.specs(), self.root / "log", on_change=self.summary.refresh)
        with step(f"starting {len(self.supervisor.names)} processes"):
            self.supervisor.start_all()
            self.supervisor.wait_ready(timeout=90)

    def _seed(self, base_url: str, admin: Mapping[str, str]) -> None:
        """Once per data folder, through the API. LIAISON_SEED=0 starts with empty books."""
        done = self.root / "seeded"
        if done.exists() or os.environ.get("LIAISON_SEED") == "0":
            return
        from deploy import seed

        try:
            with step("demo company, through the API"):
                seed.run(base_url, admin["email"], admin["password"])
        except (seed.SeedFailed, OSError) as refused:
            say(f"  the demo company is not complete; `make seed` goes on with it: {refused}"[:600])
            return
        done.touch()

    def _facts(self, base_url: str, admin: Mapping[str, str], passwords: Mapping[str, str]) -> dict[str, Any]:
        return {
            "base_url": base_url,
            "admin": dict(admin),
            "amqp_url": self._broker_uri(OPERATOR, passwords),
            "database_urls": {name: urls.auditor for name, urls in self.databases.items()},
        }

    # -- stay ---------------------------------------------------------------------------------------------------

    def stay(self) -> None:
        """Until a signal comes. The supervisor's thread minds the services; the servers are minded here."""
        assert self.summary is not None
        while True:
            self._mind_servers()
            self.summary.refresh()
            time.sleep(0.5)

    def _mind_servers(self) -> None:
        """Each server comes back on a thread of its own: the database does not wait for the slower broker."""
        ours = self.infrastructure.servers if self.infrastructure else None
        if ours is None:
            return
        running = ours.processes()
        for name, start in self._server_starts(ours).items():
            busy = name in self._revivals and self._revivals[name].is_alive()
            if name not in running and not busy and self._is_due(name):
                self._revivals[name] = threading.Thread(target=_revive, args=(name, start), name=f"start {name}")
                self._revivals[name].start()

    def _server_starts(self, ours: servers.Servers) -> dict[str, Callable[[], None]]:
        wanted = Wanted.from_environment()
        starts: dict[str, Callable[[], None]] = {}
        if wanted.database_url is None:
            starts["postgresql"] = ours.postgresql.start
        if wanted.amqp_uri is None:
            starts |= {"epmd": ours.rabbitmq.start_epmd, "rabbitmq": ours.rabbitmq.start}
        return starts

    def _is_due(self, name: str) -> bool:
        """First look: say it and wait; later looks: has the waiting time passed?"""
        now = time.monotonic()
        if name not in self._restart_at:
            delay = self._backoff.setdefault(name, Backoff()).after_death(0)
            self._restart_at[name] = now + delay
            say(f"  {name} ended; started again in {delay:g} s")
            return False
        if now < self._restart_at[name]:
            return False
        del self._restart_at[name]
        return True

    # -- down ---------------------------------------------------------------------------------------------------

    def down(self) -> None:
        """The edge first, then the services, then what they stand on."""
        if self.summary:
            self.summary.remove()
        if self.supervisor:
            with step("stopping the gateway and the services"):
                self.supervisor.stop_all()
        for revival in self._revivals.values():
            revival.join()
        if self.infrastructure and self.infrastructure.servers:
            with step("stopping RabbitMQ and PostgreSQL"):
                self.infrastructure.stop()
        Recorded(self.root).forget()


def _revive(name: str, start: Callable[[], None]) -> None:
    try:
        start()
        say(f"  {name} runs again")
    except (Stop, OSError, subprocess.SubprocessError) as error:
        say(f"  {name} does not start: {error}")


def up(checkout: Path, root: Path) -> int:
    """The whole life of one start. Returns the exit code."""
    lock = Lock(root)
    if not lock.take():
        holder = lock.holder()
        where = f" at {holder.base_url}" if holder and holder.base_url else " (still starting)"
        say(f"Liaison already runs from this folder{where}. `make stop` stops it.")
        return 1
    session = Session(checkout, root, lock)
    with interruptible() as calm:
        try:
            session.up()
            session.stay()
        except Interrupted:
            say("")
        finally:
            calm()
            session.down()
            lock.release()
    say("Stopped. Data stays in .local; `make reset` deletes it.")
    return 0


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """SIGINT, SIGTERM and SIGHUP raise `Interrupted` once; after `calm()` they are ignored while things are stopped.

    The handlers are set explicitly because a shell starts background jobs with SIGINT ignored.
    """
    state = {"raise": True}

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if state["raise"]:
            state["raise"] = False
            raise Interrupted

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield lambda: state.update({"raise": False})
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def known_services() -> tuple[str, ...]:
    from shared.contracts import SERVICES

    return SERVICES


def refuse_other_versions(databases: Mapping[str, DatabaseUrls]) -> None:
    """Raise Stop before anything works on a database from which this version cannot go on."""
    from shared.storage import adopting, migrator

    try:
        for name, urls in databases.items():
            migrator.refuse_other_versions(name, urls.owner)
    except adopting.OtherVersion as other:
        raise Stop(str(other)) from None


def compile_gateway(checkout: Path) -> None:
    """What the operator's commands do not load: an account that may not write here would compile it at every start."""
    argv = [sys.executable, "-m", "compileall", "-q", "services/gateway"]
    subprocess.run(argv, cwd=checkout, stdin=subprocess.DEVNULL, capture_output=True)


def run_operator(checkout: Path, env: Mapping[str, str], *arguments: str) -> None:
    """One operator command, with its output shown only when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "shared.ops.operator", *arguments],
        env=inherited_environment() | dict(env), cwd=checkout, stdin=subprocess.DEVNULL,
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise Stop(f"`{' '.join(arguments)}` failed: {(done.stderr or done.stdout).strip()[-1500:]}", 1)


def _welcome(base_url: str, admin: Mapping[str, str], root: Path, seconds: float) -> None:
    say(
        f"""
  Liaison runs at     {base_url}
  sign in with        {admin["email"]}  {admin["password"]}
  documentation       {base_url}/docs
  for programs        {root / "liaison.json"}
  logs                {root / "log"}

  Ready after {seconds:.1f} s. Ctrl-C (or `make stop`) stops everything that was started."""
    )
