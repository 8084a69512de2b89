"""Verifying that a webhook comes from Liaison, as Standard Webhooks describes it."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

TOLERANCE = 300
"""Seconds by which the clocks of both sides may differ; what is older may be a replay."""


class InvalidSignature(Exception):
    """The message is forged, changed, or too old."""


def verify(body: bytes, headers: Mapping[str, str], secret: str, now: float | None = None) -> dict[str, Any]:
    """The event in a body, as it was received: the bytes, before any parser. Raises InvalidSignature.

    `secret` is what the creation of the webhook showed (`whsec_…`). An event may come more than once: keep `webhook-id`.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, sent = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not sent.isdigit() or abs((time.time() if now is None else now) - int(sent)) > TOLERANCE:
        raise InvalidSignature("webhook-timestamp is missing, or too far from now")
    right = signature(f"{message_id}.{sent}.".encode() + body, secret)
    if not any(hmac.compare_digest(right, one) for one in given.get("webhook-signature", "").split()):
        raise InvalidSignature("webhook-signature does not fit")
    event: dict[str, Any] = json.loads(body)
    return event


def signature(content: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
