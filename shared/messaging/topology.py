"""The broker as the contracts want it: exchanges, one quorum queue per handler, the stream, users and their rights.

Applied by a deploy step before any service starts, so that an event published before its consumer ever ran waits for
it. Services themselves may not declare anything.
"""

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from kombu import Connection, Exchange, Queue

from shared import contracts
from shared.api.handlers import collect
from shared.messaging.queues import ALL_EDGES, queue_name

EVENTS = Exchange("events", type="topic", durable=True)
RPC = Exchange("nameko-rpc", type="topic", durable=True)
STREAM = "events.log"
STREAM_DAYS = 7
STREAM_BYTES = 2_000_000_000

_STREAM_ONLY = rf"^{re.escape(STREAM)}$"
"""What an operator may read. An account that may read a queue may also empty it; a stream is read by position and only ages."""

# RabbitMQ 4 drops a message after 20 deliveries unless set otherwise. A delivery count rises with every lost
# connection, so it says nothing about the message; the inbox counts real attempts and parks.
_QUORUM = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
# Of several replicas one records at a time, so that what is recorded keeps the order in which it came.
_RECORDED = {**_QUORUM, "x-single-active-consumer": True}


@dataclass(frozen=True)
class Permission:
    """The rights of one broker user, as regular expressions; `topics` maps an exchange to its write pattern."""

    configure: str
    write: str
    read: str
    topics: dict[str, str]


def bindings(service_cls: type) -> dict[str, list[str]]:
    """Each handler's queue and the routing keys it takes."""
    name: str = service_cls.name  # type: ignore[attr-defined]
    handlers = collect(service_cls)
    heard = {queue_name(name, h.name): sorted({e.type for e in h.events}) for h in handlers if h.kind == "event"}
    return heard | {queue_name(name, h.name): ["#"] for h in handlers if h.kind == "record"}


def declare(amqp_uri: str, service_classes: Iterable[type]) -> list[str]:
    """Declare exchanges, queues and bindings; returns the names of the queues. Safe to repeat."""
    declared = []
    with Connection(amqp_uri, connect_timeout=10) as connection:
        channel = connection.default_channel
        EVENTS(channel).declare()
        RPC(channel).declare()
        stream = {"x-queue-type": "stream", "x-max-age": f"{STREAM_DAYS}D", "x-max-length-bytes": STREAM_BYTES}
        Queue(STREAM, EVENTS, routing_key="#", durable=True, queue_arguments=stream)(channel).declare()
        for service_cls in service_classes:
            name: str = service_cls.name  # type: ignore[attr-defined]
            Queue(f"rpc-{name}", RPC, routing_key=f"{name}.*", durable=True)(channel).declare()
            for queue, keys in bindings(service_cls).items():
                arguments = _RECORDED if keys == ["#"] else _QUORUM
                for key in keys:
                    Queue(queue, EVENTS, routing_key=key, durable=True, queue_arguments=arguments)(channel).declare()
                declared.append(queue)
    return declared


def permissions() -> dict[str, Permission]:
    """Least privilege: publish under one's own prefix, read one's own queues, declare nothing.

    A service answers calls through `nameko-rpc`, but only to reply queues, whose keys are UUIDs: it cannot call others.
    """
    reply = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
    found = {
        service: Permission(
            configure="^$",
            write=r"^(events|nameko-rpc)$",
            read=rf"^({re.escape(service)}\..*|rpc-{re.escape(service)})$",
            topics={"events": rf"^{re.escape(service)}\.", "nameko-rpc": reply},
        )
        for service in contracts.SERVICES
    }
    found["gateway"] = _of_the_gateway(found["gateway"], reply)
    found["operator"] = Permission(configure="^$", write=r"^$", read=_STREAM_ONLY, topics={})
    return found


def _of_the_gateway(own: Permission, reply: str) -> Permission:
    """Beside what every service may: its edge calls all services, hears their answers on queues of its own, and tells
    other edges what only an edge can know."""
    callable_services = "|".join(re.escape(service) for service in contracts.SERVICES)
    answers = r"rpc\.reply-gateway-.*"
    return Permission(
        configure=rf"^{answers}$",
        write=rf"{own.write[:-2]}|{answers})$",
        read=rf"{own.read[:-2]}|nameko-rpc|{answers})$",
        topics={**own.topics, "nameko-rpc": rf"^({callable_services})\.|^{re.escape(ALL_EDGES)}$|{reply}"},
    )


def apply_users(management_url: str, vhost: str, passwords: dict[str, str]) -> None:
    """Create the users with their rights through the management API. Raises OSError when it cannot be reached."""
    parts = urlsplit(management_url)
    base = f"{parts.scheme}://{parts.hostname}:{parts.port}"
    secret = base64.b64encode(f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()).decode()
    place = quote(vhost, safe="")
    for user, rights in permissions().items():
        if user not in passwords:
            continue
        _put(base, secret, f"users/{user}", {"password": passwords[user], "tags": ""})
        grant = {"configure": rights.configure, "write": rights.write, "read": rights.read}
        _put(base, secret, f"permissions/{place}/{user}", grant)
        for exchange, pattern in rights.topics.items():
            topic = {"exchange": exchange, "write": pattern, "read": ".*"}
            _put(base, secret, f"topic-permissions/{place}/{user}", topic)


def _put(base: str, secret: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{base}/api/{path}",
        data=json.dumps(body).encode(),
        method="PUT",
        headers={"Authorization": f"Basic {secret}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        response.read()
