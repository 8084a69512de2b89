"""The database server and the broker that a start uses: private ones, or those named in the environment."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import servers as private
from deploy.local.console import Stop, say, step
from deploy.local.servers import Servers


@dataclass(frozen=True)
class Wanted:
    """What the environment names; None means that we run our own."""

    amqp_uri: str | None
    database_url: str | None
    management_url: str | None

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> Wanted:
        return cls(
            amqp_uri=env.get("AMQP_URI") or None,
            database_url=env.get("DATABASE_URL") or None,
            management_url=(env.get("LIAISON_RABBITMQ_MANAGEMENT_URL") or "").rstrip("/") or None,
        )


@dataclass
class Infrastructure:
    pg_admin_url: str
    amqp_admin_uri: str
    management_url: str | None
    servers: Servers | None

    def stop(self) -> None:
        if self.servers is not None:
            self.servers.stop()


def start(root: Path, wanted: Wanted) -> Infrastructure:
    """Start what is ours, check what is given."""
    servers = None
    if wanted.amqp_uri is None or wanted.database_url is None:
        ours = [
            name
            for name, given in (("PostgreSQL", wanted.database_url), ("RabbitMQ", wanted.amqp_uri))
            if given is None
        ]
        with step(f"starting {' and '.join(ours)}"):
            servers = private.start(root, postgresql=wanted.database_url is None, rabbitmq=wanted.amqp_uri is None)
    try:
        return _assemble(wanted, servers)
    except BaseException:
        if servers is not None:
            servers.stop()
        raise


def _assemble(wanted: Wanted, servers: Servers | None) -> Infrastructure:
    if wanted.database_url is not None:
        with step("checking DATABASE_URL"):
            _check_database(wanted.database_url)
    if wanted.amqp_uri is not None:
        with step("checking AMQP_URI"):
            _check_broker(wanted.amqp_uri)
        if wanted.management_url is None:
            say("  LIAISON_RABBITMQ_MANAGEMENT_URL is not set: all services share the account of AMQP_URI")
    if servers is None:
        assert wanted.database_url is not None and wanted.amqp_uri is not None
        return Infrastructure(wanted.database_url, wanted.amqp_uri, wanted.management_url, None)
    return Infrastructure(
        pg_admin_url=wanted.database_url or servers.pg_admin_url,
        amqp_admin_uri=wanted.amqp_uri or servers.amqp_admin_uri,
        management_url=wanted.management_url if wanted.amqp_uri else servers.management_url,
        servers=servers,
    )


def _check_database(url: str) -> None:
    from deploy.local.provision import check_rights

    check_rights(url)


def _check_broker(uri: str) -> None:
    """Connect and declare a queue that vanishes with the connection: the topology needs that right."""
    import amqp
    import kombu

    place = urlsplit(uri)
    where = f"{place.hostname}:{place.port or 5672}{place.path or '/'}"
    try:
        with kombu.Connection(uri, connect_timeout=10) as connection:
            name = f"liaison.check.{secrets.token_hex(6)}"
            connection.default_channel.queue_declare(name, exclusive=True, auto_delete=True)
    except amqp.exceptions.AccessRefused as error:
        raise Stop(
            f"RabbitMQ at {where} refuses the account of AMQP_URI ({error.reply_text}): it needs the right"
            " password and the right to configure, write and read."
        ) from None
    except (OSError, amqp.exceptions.AMQPError, kombu.exceptions.OperationalError) as error:
        raise Stop(f"RabbitMQ at {where} does not let us in: {error}") from None
