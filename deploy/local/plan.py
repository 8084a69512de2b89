"""Which processes make up Liaison, and what each of them is given: its own database, its own broker account."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from deploy.local.accounts import AS_WE_ARE, Account
from deploy.local.console import Stop
from deploy.local.supervisor import Spec

GATEWAY = "gateway"
OPERATOR = "operator"

# What a process inherits from the shell. Anything else, first of all other services' passwords, stays outside.
INHERITED = ("PATH", "HOME", "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
WITHHELD = ("DATABASE_URL", "AMQP_URI", "MANAGEMENT_URL", "PASSWORD", "PASSWORDS")


@dataclass(frozen=True)
class Access:
    """The addresses, with credentials, of one service."""

    database_url: str
    amqp_uri: str


@dataclass
class Plan:
    """Everything that is known before the first process starts."""

    checkout: Path
    python: Path
    services: tuple[str, ...]
    access: Mapping[str, Access]
    health_ports: Mapping[str, int]
    http_port: int
    gateway_env: Mapping[str, str]
    replicas: Mapping[str, int] = field(default_factory=dict)
    every_env: Mapping[str, str] = field(default_factory=dict)
    behind_edge_env: Mapping[str, str] = field(default_factory=dict)
    account: Account = AS_WE_ARE

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def specs(self) -> list[Spec]:
        """Services first: the gateway is ready when they can answer."""
        specs = [
            self._spec(process, service, ["-m", "shared.ops.serve", service], f"{self.health_urls()[process]}/readyz")
            for service in self.services
            for process in process_names(service, self.replicas.get(service, 1))
        ]
        return [*specs, self._spec(GATEWAY, GATEWAY, ["-m", "gateway"], f"{self.base_url}/readyz")]

    def health_urls(self) -> dict[str, str]:
        return {name: f"http://127.0.0.1:{port}" for name, port in self.health_ports.items()}

    def _spec(self, process: str, service: str, arguments: list[str], ready_url: str) -> Spec:
        env = inherited_environment()
        env |= {
            f"LIAISON_{service.upper()}_DATABASE_URL": self.access[service].database_url,
            f"LIAISON_{service.upper()}_AMQP_URI": self.access[service].amqp_uri,
            "LIAISON_HEALTH_PORT": str(self.health_ports[process]),
            "LIAISON_PROCESS_NAME": process,
            **self.every_env,
        }
        if urlsplit(self.access[service].amqp_uri).username != service:
            env["LIAISON_SHARED_BROKER_ACCOUNT"] = "1"  # then the broker cannot vouch for who published
        if process == GATEWAY:
            env |= dict(self.gateway_env) | {
                "LIAISON_GATEWAY_HTTP_PORT": str(self.http_port),
                "LIAISON_HEALTH_URLS": json.dumps(self.health_urls()),
            }
        elif service == GATEWAY:
            env |= dict(self.behind_edge_env)
        if home := self.account.home:
            env["HOME"] = home  # that of root is closed to it, and libpq fails where it may not look for certificates
        argv, live_url = [str(self.python), *arguments], f"{self.health_urls()[process]}/livez"
        return Spec(process, argv, env, self.checkout, ready_url, live_url=live_url, account=self.account)


def inherited_environment(source: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The few variables every process needs, and LIAISON_ settings that carry no secret."""
    env = {name: source[name] for name in INHERITED if name in source}
    env |= {
        name: value for name, value in source.items() if name.startswith("LIAISON_") and not name.endswith(WITHHELD)
    }
    return env | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def process_names(service: str, replicas: int) -> list[str]:
    """`gateway` alone is the HTTP edge; the service behind it is `gateway.service`."""
    name = f"{service}.service" if service == GATEWAY else service
    return [name] if replicas == 1 else [f"{name}.{number}" for number in range(1, replicas + 1)]


def parse_replicas(text: str, services: Iterable[str]) -> dict[str, int]:
    """`2` for all services, `crm_sales=2` for one, `2,crm_sales=3` for both."""
    known, found, default = tuple(services), {}, 1
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, number = part.rpartition("=")
        if not number.isdigit() or not 1 <= int(number) <= 32 or (separator and name not in known):
            raise Stop(f"LIAISON_REPLICAS: '{part}' is not understood: write 2, or crm_sales=2 ({', '.join(known)}).")
        if separator:
            found[name] = int(number)
        else:
            default = int(number)
    return {service: found.get(service, default) for service in known}


def with_credentials(uri: str, user: str, password: str) -> str:
    """The same address for another account."""
    parts = urlsplit(uri)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{place}"))
