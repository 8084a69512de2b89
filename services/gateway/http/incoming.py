"""One HTTP request as the gateway sees it: headers read once, request id, trace and language settled."""

import os
import re
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway.errors import DuplicateHeader
from gateway.http.access import Principal
from shared.kernel.ids import new_id
from shared.schema.contract import Operation

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")

ONCE = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
        b"transfer-encoding",
        b"x-company-id",
    }
)
"""Headers that change what a request means: two of them would let a proxy and us read two different requests."""


class Incoming(Request):
    """A Starlette request with what every answer and every call needs."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope, receive, send)
        self.fields: dict[bytes, str] = {}
        self.doubled: bytes = b""
        for name, value in scope["headers"]:
            if name in self.fields and name in ONCE:
                self.doubled = name
            self.fields[name] = value.decode("latin-1")
        if self._is_foreign() and self.fields.pop(b"cookie", None) is not None:
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
        self.body_pending = b"transfer-encoding" in self.fields or self.fields.get(b"content-length", "0") != "0"
        self.id = request_id(self.fields.get(b"x-request-id", ""))
        self.traceparent = traceparent(self.fields.get(b"traceparent", ""))
        self.language = language(self.fields.get(b"accept-language", ""))
        self.token: Principal | None = None
        self.principal: Principal | None = None
        self.identified_at = 0.0
        self.operation: Operation | None = None
        self.admission: Any = None
        self.route = "unmatched"
        self.answer_headers: list[tuple[bytes, bytes]] = []

    @property
    def address(self) -> str:
        """Where it came from, as far as one can know."""
        return self.client.host if self.client else ""

    def _is_foreign(self) -> bool:
        """Whether a page of another origin sends it; then a cookie says nothing about what its user wants."""
        origin = self.fields.get(b"origin")
        return origin is not None and origin.partition("://")[2] != self.fields.get(b"host")

    def field(self, name: bytes) -> str | None:
        """A request header by its lower-case name."""
        return self.fields.get(name)

    def refuse_doubled(self) -> None:
        if self.doubled:
            raise DuplicateHeader(header=self.doubled.decode("ascii"))


def request_id(offered: str) -> str:
    """The client's id where it is harmless in logs and headers, else a new one."""
    return offered if _REQUEST_ID.fullmatch(offered) else str(new_id())


def traceparent(offered: str) -> str:
    """W3C Trace Context: the client's trace goes on with a span of ours, or a new trace begins."""
    known = _TRACEPARENT.fullmatch(offered)
    random = os.urandom(24).hex()
    trace, flags = known.groups() if known else (random[:32], "01")
    return f"00-{trace}-{random[32:]}-{flags}"


@lru_cache(maxsize=500)
def language(accepted: str) -> str:
    """ "fr" or "en" from Accept-Language (RFC 9110, 12.5.4); English when neither is asked for."""
    best, choice = 0.0, "en"
    for part in accepted[:200].split(","):
        tag, _, weight = part.strip().partition(";q=")
        name = tag.strip().lower().split("-")[0]
        quality = _quality(weight)
        if name in ("fr", "en") and quality > best:
            best, choice = quality, name
    return choice


def _quality(weight: str) -> float:
    try:
        return float(weight) if weight else 1.0
    except ValueError:
        return 0.0
