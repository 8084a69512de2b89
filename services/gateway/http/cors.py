"""Which pages of other origins may read answers: those that the setting names, and with no more than a token they hold.

Nothing is ever allowed with credentials, so that no page acts with what a browser sends by itself; and a cookie that
comes from another origin is not looked at (incoming.py).
"""

from starlette.responses import Response

from gateway.http.incoming import Incoming

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_ASKED = (
    "accept-language, authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, traceparent,"
    " x-company-id, x-request-id"
)
_TOLD = (
    b"content-disposition, deprecation, etag, idempotency-replayed, link, location, ratelimit, ratelimit-policy,"
    b" retry-after, sunset, traceparent, x-event-id, x-request-id, x-unresolved"
)
_SECONDS = "600"


class Origins:
    """The origins of the setting, such as `https://shop.example`, or `*` for all."""

    def __init__(self, allowed: str) -> None:
        self._allowed = frozenset(filter(None, (one.strip().lower() for one in allowed.split(","))))

    def preflight(self, request: Incoming) -> Response | None:
        """The answer to what a browser asks before it sends a request; None when this is no such question."""
        asked = request.method == "OPTIONS" and request.field(b"access-control-request-method") is not None
        if not (asked and self._allows(request)):
            return None
        headers = {"access-control-allow-methods": _METHODS, "access-control-allow-headers": _ASKED}
        return Response(status_code=204, headers={**headers, "access-control-max-age": _SECONDS})

    def headers(self, request: Incoming) -> list[tuple[bytes, bytes]]:
        """What every answer says. It differs by origin, which a cache has to know."""
        if not self._allowed:
            return []
        if not self._allows(request):
            return [(b"vary", b"origin")]
        origin = request.fields[b"origin"].encode("latin-1")
        return [
            (b"vary", b"origin"),
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _TOLD),
        ]

    def _allows(self, request: Incoming) -> bool:
        origin = request.field(b"origin")
        return origin is not None and ("*" in self._allowed or origin.lower() in self._allowed)
