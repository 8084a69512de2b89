"""Settings of the gateway from the environment. Everything has a limit; times are seconds, sizes are bytes."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.identity.built_in import ROLES
from gateway.identity.oidc import Provider
from shared.kernel.settings import amqp_uri, database_url, required


@dataclass(frozen=True)
class Settings:
    database_url: str
    amqp_uri: str
    signing_key_file: str
    caller_keys_file: str = ""
    health_urls: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8080
    health_port: int = 0
    process: str = "gateway"
    trusted_proxies: str = ""
    cors_origins: str = ""
    connections_per_address: int = 1000
    deadline: float = 10.0
    pending_calls: int = 150
    vouched: bool = True
    rate_per_second: float = 500.0
    rate_burst: int = 1000
    calls_per_user: int = 50
    waiters_per_user: int = 10
    turns_per_user: int = 8
    drain: float = 2.0
    stop_within: float = 23.0
    password_threads: int = 2
    sign_ins_waiting: int = 32
    provider: Provider | None = None


def from_environment() -> Settings:
    """Read everything once; an absent setting without a default ends the process and names itself."""
    env = os.environ
    return Settings(
        database_url=database_url("gateway"),
        amqp_uri=amqp_uri("gateway"),
        signing_key_file=required("LIAISON_SIGNING_KEY_FILE"),
        caller_keys_file=env.get("LIAISON_CALLER_KEYS_FILE", ""),
        health_urls=json.loads(env.get("LIAISON_HEALTH_URLS") or "{}"),
        host=env.get("LIAISON_GATEWAY_HTTP_HOST", "127.0.0.1"),
        port=int(env.get("LIAISON_GATEWAY_HTTP_PORT", "8080")),
        health_port=int(env.get("LIAISON_HEALTH_PORT", "0")),
        process=env.get("LIAISON_PROCESS_NAME", "gateway"),
        trusted_proxies=env.get("LIAISON_GATEWAY_TRUSTED_PROXIES", ""),
        cors_origins=env.get("LIAISON_CORS_ORIGINS", ""),
        connections_per_address=int(env.get("LIAISON_CONNECTIONS_PER_ADDRESS", "1000")),
        deadline=float(env.get("LIAISON_GATEWAY_DEADLINE_SECONDS", "10")),
        pending_calls=int(env.get("LIAISON_GATEWAY_PENDING_CALLS", "150")),
        vouched=not env.get("LIAISON_SHARED_BROKER_ACCOUNT"),
        rate_per_second=float(env.get("LIAISON_RATE_PER_SECOND", "500")),
        rate_burst=int(env.get("LIAISON_RATE_BURST", "1000")),
        calls_per_user=int(env.get("LIAISON_CALLS_PER_USER", "50")),
        waiters_per_user=int(env.get("LIAISON_WAITERS_PER_USER", "10")),
        turns_per_user=int(env.get("LIAISON_TURNS_PER_USER", "8")),
        drain=float(env.get("LIAISON_GATEWAY_DRAIN_SECONDS", "2")),
        provider=_provider(),
    )


def _provider() -> Provider | None:
    """The identity provider, if one is named; then it needs the rest, the secret from a file that others cannot read."""
    issuer = os.environ.get("LIAISON_OIDC_ISSUER")
    if not issuer:
        return None
    secret = Path(required("LIAISON_OIDC_CLIENT_SECRET_FILE"))
    if secret.stat().st_mode & 0o077:
        raise SystemExit(f"The file {secret.name} may be read by others: chmod 600 it.")
    roles = tuple(filter(None, os.environ.get("LIAISON_OIDC_DEFAULT_ROLES", "").split(",")))
    if unknown := [role for role in roles if role not in ROLES]:
        raise SystemExit(f"LIAISON_OIDC_DEFAULT_ROLES: there is no built-in role {', '.join(unknown)}.")
    client, back = required("LIAISON_OIDC_CLIENT_ID"), required("LIAISON_OIDC_REDIRECT_URI")
    return Provider(issuer, client, secret.read_text(encoding="utf-8").strip(), back, roles)
