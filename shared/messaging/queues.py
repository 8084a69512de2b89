"""What a message of the broker says about itself, and the names that it goes by."""

from typing import Any

ALL_EDGES = "edges.told"
"""The routing key of what one edge tells all of them. Only the gateway's account may use it (`topology.py`)."""

_SUSPICIOUS_DELIVERIES = 3


class Stopped(Exception):
    """The service stops while the database is away; the message goes back to its queue unacknowledged."""


def queue_name(service: str, handler: str) -> str:
    """The name of a handler's queue; it begins with the service, and so do the service's rights."""
    return f"{service}.{handler}"


def is_suspicious(message: Any) -> bool:
    """Whether the broker delivered it so often that it may be what ends the process."""
    return int((message.headers or {}).get("x-delivery-count", 0)) >= _SUSPICIOUS_DELIVERIES


def body_of(message: Any) -> bytes:
    """The bytes of a message, in whatever form kombu hands them over."""
    body = message.body.tobytes() if isinstance(message.body, memoryview) else message.body
    return body.encode() if isinstance(body, str) else body


def producer_of(message: Any, trust_user: bool) -> str:
    """The user that the broker vouches for; on a shared account only the routing key tells who it may be."""
    if trust_user:
        return str(message.properties.get("user_id") or "")
    return str(message.delivery_info.get("routing_key", "")).split(".")[0]
