"""The outermost layer: one request in, exactly one answer out, with its headers, its log line and its metric."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.edge.identifying import Identifier
from gateway.errors import InternalError
from gateway.http import access, metrics, problems
from gateway.http.bounds import Bounds
from gateway.http.compressing import compressed
from gateway.http.cors import Origins
from gateway.http.incoming import Incoming
from gateway.http.limits import discard_body
from gateway.http.routes import Table
from gateway.identity.denials import Denials
from shared.kernel.refusals import Refusal

SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000"),
]
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

log = logging.getLogger("gateway.access")


class Edge:
    """The ASGI application. `lifespan` starts and stops what it uses."""

    def __init__(
        self,
        table: Table,
        identifier: Identifier,
        bounds: Bounds,
        denials: Denials,
        origins: Origins,
        lifespan: ASGIApp,
        stops: Callable[[], bool],
    ) -> None:
        """`stops` tells that the process ends soon: then every connection closes with its answer."""
        self._stops = stops
        self._table, self._identifier, self._bounds, self._lifespan = table, identifier, bounds, lifespan
        self._denials, self._origins = denials, origins
        self._policy = bounds.buckets.policy.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._lifespan(scope, receive, send)
            return
        begun = time.perf_counter()
        request = Incoming(scope, receive, send)
        status = 499
        try:
            response = await self._answer(request)
            if self._stops() or (request.body_pending and not await discard_body(request)):
                response.headers["connection"] = "close"
            status = response.status_code
            if status == 403 and request.principal and request.operation:
                self._denials.note(request.principal, request.operation, request.address)
            request.answer_headers += self._origins.headers(request)
            await compressed(request, response)(scope, receive, _with_headers(request, send))
        except ClientDisconnect:
            pass  # nobody is there to read an answer
        finally:
            _record(request, status, time.perf_counter() - begun)

    async def _answer(self, request: Incoming) -> Response:
        try:
            return await self._dispatch(request)
        except Refusal as refusal:
            wire = refusal.to_wire(request.language)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("defect", extra={"request_id": request.id, "route": request.route})
            wire = InternalError().to_wire(request.language)
        return problems.respond(wire, request.language, request.id, request.scope["path"])

    async def _dispatch(self, request: Incoming) -> Response:
        """Find, identify, limit, permit; then let the endpoint work."""
        if preflight := self._origins.preflight(request):
            return preflight
        route, values = self._table.find(request.method, request.scope["raw_path"])
        request.route, request.operation = route.operation.path, route.operation
        request.scope["path_params"] = values
        request.refuse_doubled()
        if route.operation.permission == access.PUBLIC:
            return await route.endpoint(request)
        principal = await self._identify(request)
        access.check(route.operation, principal)
        with self._bounds.under_way(principal.id, request.scope["query_string"]):
            return await route.endpoint(request)

    async def _identify(self, request: Incoming) -> access.Principal:
        principal = request.principal = await self._identifier.principal(request)
        left = self._bounds.buckets.take(principal.id)
        request.answer_headers = [
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", self._bounds.buckets.state(left).encode()),
        ]
        return principal


def _with_headers(request: Incoming, send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_headers(request, message["headers"])]
        await send(message)

    return send_with_headers


def _headers(request: Incoming, present: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"x-request-id", request.id.encode()),
        (b"traceparent", request.traceparent.encode()),
        *SECURITY,
        *request.answer_headers,
    ]
    if not any(name == POLICY[0] for name, _ in present):
        headers.append(POLICY)
    return headers


_observers: dict[tuple[str, str, int], Callable[[float], None]] = {}


def _record(request: Incoming, status: int, seconds: float) -> None:
    key = (request.method if request.route != "unmatched" else "other", request.route, status)
    if key not in _observers:
        _observers[key] = metrics.request_seconds.labels(key[0], key[1], str(status)).observe
    _observers[key](seconds)
    if request.operation is not None and request.operation.tag == "page":
        return
    facts: dict[str, Any] = {
        "method": request.method,
        "path": request.scope["path"][:500],
        "status": status,
        "ms": round(seconds * 1000, 1),
        "request_id": request.id,
        "trace_id": request.traceparent[3:35],
        "client": request.client.host if request.client else None,
        "actor": request.principal.id if request.principal else None,
    }
    log.info("request", extra=facts)
