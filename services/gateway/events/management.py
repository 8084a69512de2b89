"""The management API of the broker, as far as subscriptions need it. Everything here may be repeated."""

import base64
import json
import os
import urllib.error
import urllib.request
from functools import cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from gateway.events.models import STREAM, EventSubscription
from shared.kernel.settings import amqp_uri

SECONDS = 10
DELIVERIES = 100
"""After so many deliveries without acknowledgement a message is given up: its receiver dies of it."""
CONNECTIONS = 20


class Management:
    """One virtual host. Every method raises OSError when the broker does not answer, or does not do it."""

    def __init__(self, url: str, vhost: str) -> None:
        parts = urlsplit(url)
        secret = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
        self._base = f"{parts.scheme}://{parts.hostname}:{parts.port}/api"
        self._authorization = f"Basic {base64.b64encode(secret).decode('ascii')}"
        self._vhost = quote(vhost, safe="")

    def establish(self, wanted: EventSubscription) -> None:
        """Queue, bindings, then the user and what it may do: it cannot come before what it reads is complete."""
        self._call("PUT", f"queues/{self._vhost}/{wanted.queue}", _queue(wanted))
        for key in wanted.keys:
            self._call("POST", f"bindings/{self._vhost}/e/events/q/{wanted.queue}", {"routing_key": key})
        account = {"password_hash": wanted.password_hash, "hashing_algorithm": _HASHING, "tags": ""}
        self._call("PUT", f"users/{wanted.user}", account)
        self._call("PUT", f"user-limits/{wanted.user}/max-connections", {"value": CONNECTIONS})
        self._call("PUT", f"permissions/{self._vhost}/{wanted.user}", _rights(wanted))

    def shut_out(self, name: str) -> None:
        """Remove the user; its connections end with it."""
        self._call("DELETE", f"users/{name}")

    def remove(self, name: str) -> None:
        """First the user, then the queue."""
        self.shut_out(name)
        self._call("DELETE", f"queues/{self._vhost}/{name}")

    def suspend(self, name: str) -> None:
        """First the user, then the bindings. What waits in the queue stays."""
        self.shut_out(name)
        bindings = f"bindings/{self._vhost}/e/events/q/{name}"
        for binding in self._call("GET", bindings):
            self._call("DELETE", f"{bindings}/{quote(binding['properties_key'], safe='')}")

    def queues(self) -> set[str]:
        """The queues of subscriptions on this virtual host."""
        asked = f"queues/{self._vhost}?name=%5Esub%5C.&use_regex=true&columns=name&page_size=500&page="
        names: set[str] = set()
        page, pages = 1, 1
        while page <= pages:
            found = self._call("GET", f"{asked}{page}")
            names |= {row["name"] for row in found["items"]}
            page, pages = page + 1, found["page_count"]
        return names

    def users(self) -> set[str]:
        """The users of subscriptions on this virtual host."""
        found = self._call("GET", f"vhosts/{self._vhost}/permissions")
        return {row["user"] for row in found if row["user"].startswith("sub.")}

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self._base}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": self._authorization, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:
                answer = response.read()
        except urllib.error.HTTPError as error:
            with error:
                if method == "DELETE" and error.code == 404:
                    return None
                raise
        return json.loads(answer) if answer else None


_HASHING = "rabbit_password_hashing_sha256"


def _queue(wanted: EventSubscription) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERIES,
        "x-max-length": wanted.max_length,
        "x-overflow": "drop-head",
    }
    if wanted.message_ttl is not None:
        arguments["x-message-ttl"] = wanted.message_ttl * 1000
    return {"durable": True, "auto_delete": False, "arguments": arguments}


def _rights(wanted: EventSubscription) -> dict[str, str]:
    """To read one's own queue, and the stream if so agreed; nothing else."""
    readable = [wanted.queue, *([STREAM] if wanted.replay else [])]
    names = "|".join(name.replace(".", r"\.") for name in readable)
    return {"configure": "^$", "write": "^$", "read": f"^({names})$"}


@cache
def management() -> Management | None:
    """The broker of this installation; None where the service was given no way to manage it."""
    url = os.environ.get("LIAISON_RABBITMQ_MANAGEMENT_URL")
    if not url:
        return None
    return Management(url, unquote(urlsplit(amqp_uri("gateway")).path[1:]) or "/")


@cache
def public_address() -> str:
    """Where subscribers find the broker: LIAISON_PUBLIC_AMQP_URL, or as the service itself sees it."""
    if address := os.environ.get("LIAISON_PUBLIC_AMQP_URL"):
        return address
    parts = urlsplit(amqp_uri("gateway"))
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 5672}{parts.path or '/'}"
