"""One operation of a service: from the HTTP request to the call, and from the reply to the HTTP answer."""

import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from gateway.calls import expanding
from gateway.calls.own_writes import OwnWrites
from gateway.calls.rpc import Reply, Rpc
from gateway.calls.wire import HeaderValue
from gateway.errors import BodyNotExpected, BodyRequired, InternalError, InvalidParameter
from gateway.http import problems
from gateway.http.access import nobody
from gateway.http.incoming import Incoming
from gateway.http.limits import read_body
from gateway.http.preconditions import if_match, if_none_match
from gateway.http.reading import check_media_type, event_ids, idempotency_key, parse_query
from shared.api.caller import HEADER
from shared.kernel import strict_json
from shared.kernel.refusals import Invalid
from shared.kernel.signing import Signer
from shared.schema.contract import Operation

_NOBODY = nobody()
_RESULT = b'{"error":null,"result":'

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of services in the name of the user who sent a request, with the rights that they have when it is their turn."""

    rpc: Rpc
    signer: Signer
    seconds: float
    renew: Callable[[Incoming], Awaitable[None]]
    own_writes: OwnWrites

    async def call(
        self,
        request: Incoming,
        service: str,
        name: str,
        message: bytes,
        more: dict[str, HeaderValue] | None = None,
        seconds: float | None = None,
        caught_up: bool = True,
    ) -> Reply:
        """The reply as it came. Raises Refusal when the service could not be asked, or its caller may no longer ask.

        `caught_up`: the service first waits for what the caller wrote elsewhere in the last seconds.
        """

        async def headers_of_caller() -> dict[str, HeaderValue]:
            await self.renew(request)
            return circumstances(request, service, self.signer) | self._last_writes(request, service, caught_up)

        reply = await self.rpc.call(
            _who(request), service, name, message, more or {}, seconds or self.seconds, headers_of_caller
        )
        if request.principal:
            await self.own_writes.note(request.principal.id, reply)
        return reply

    def _last_writes(self, request: Incoming, service: str, caught_up: bool) -> dict[str, HeaderValue]:
        if not caught_up or request.principal is None:
            return {}
        last = self.own_writes.last(request.principal.id, service)
        return {"nameko.last_writes": last} if last else {}


class Forwarder:
    """The endpoint of one operation."""

    def __init__(self, operation: Operation, calls: Calls) -> None:
        self.operation, self._calls = operation, calls
        fields = operation.request().fields.values() if operation.request else ()
        self._body_required = operation.method == "PATCH" or any(field.required for field in fields)
        self._takes_query = operation.listing is not None or operation.parameters is not None
        self._parameters = {"fields"} if operation.is_sparse else set()
        self._parameters |= {"with"} if operation.offers_verbs else set()

    async def __call__(self, request: Incoming) -> Response:
        begun = time.monotonic()
        query = parse_query(request.scope["query_string"])
        plan = expanding.plan(self.operation, query, request.principal) if "expand" in query else None
        reply = await self._ask(request, query, whole=plan is not None)
        if plan and reply.headers.get("liaison.status") == 200:
            return await self._expanded(plan, request, reply, begun + self._calls.seconds)
        return answer(self.operation, request, reply)

    async def ask(self, request: Incoming) -> Reply:
        """The reply of the service, as it came. Raises Refusal when it could not be asked."""
        return await self._ask(request, parse_query(request.scope["query_string"]))

    async def _ask(self, request: Incoming, query: dict[str, str | list[str]], whole: bool = False) -> Reply:
        """`whole`: not only when it changed, because what it refers to may have changed although it did not."""
        headers = self._headers(request, query.pop("wait_for", None))
        if whole:
            headers.pop("nameko.if_none_match", None)
        unknown = set() if self._takes_query else set(query) - self._parameters
        if unknown:
            errors = [{"pointer": f"?{name}", "code": "unknown_parameter"} for name in sorted(unknown)]
            raise InvalidParameter(errors, allowed=sorted({*self._parameters, "wait_for"}))
        body = await self._body(request)
        message = wire_body(request.path_params, query, body)
        return await self._call(request, message, headers)

    async def _call(self, request: Incoming, message: bytes, headers: dict[str, HeaderValue]) -> Reply:
        """What is refused as unknown is asked again, with what its caller wrote elsewhere just before to wait for.

        A batch is answered at once: it is not carried out a second time, because what was not refused of it was done.
        """
        begun, service, name = time.monotonic(), self.operation.service, self.operation.name
        if self.operation.derived == "batch" and (known := await self._written(request)):
            headers["nameko.own_writes"] = known
        reply = await self._calls.call(request, service, name, message, headers)
        if "nameko.own_writes" not in headers and _is_unknown(reply) and (known := await self._written(request)):
            headers["nameko.own_writes"] = known
            left = begun + self._calls.seconds - time.monotonic()
            reply = await self._calls.call(request, service, name, message, headers, max(left, 0.1))
        return reply

    async def _written(self, request: Incoming) -> str:
        """The ids of the events that the caller wrote last, where the service listens to them."""
        if request.principal is None:
            return ""
        return await self._calls.own_writes.of(request.principal.id, self.operation.service)

    async def _expanded(self, plan: expanding.Plan, request: Incoming, reply: Reply, until: float) -> Response:
        """The answer with what it refers to; it takes no longer than an answer without."""

        async def fetch(listed: Operation, query: dict[str, str]) -> Reply:
            left = max(until - time.monotonic(), 0.1)
            message = wire_body({}, dict(query), b"")
            return await self._calls.call(request, listed.service, listed.name, message, seconds=left)

        result = json.loads(reply.body)["result"]
        unresolved = await plan.carry_out(result, self.operation.listing is not None, fetch)
        body = json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()
        response = answer(self.operation, request, Reply(_RESULT + body + b"}", reply.headers))
        if unresolved:
            response.headers["x-unresolved"] = ", ".join(unresolved)
        return response

    def _headers(self, request: Incoming, wait_for: str | list[str] | None) -> dict[str, HeaderValue]:
        headers: dict[str, HeaderValue] = {}
        if wait_for is not None:
            headers["nameko.wait_for"] = event_ids(wait_for)
        if self.operation.method == "GET":
            if version := if_none_match(request.field(b"if-none-match")):
                headers["nameko.if_none_match"] = version
            return headers
        if (expected := if_match(request.field(b"if-match"), self.operation.needs_version)) is not None:
            headers["nameko.if_match"] = expected
        if key := idempotency_key(request.field(b"idempotency-key"), self.operation.idempotency):
            headers["nameko.idempotency_key"] = key
        return headers

    async def _body(self, request: Incoming) -> bytes:
        """The body, checked to be one strict JSON value; empty where none is needed and none came."""
        if not request.body_pending:
            if self._body_required:
                raise BodyRequired
            return b""
        if self.operation.method in ("GET", "DELETE"):
            raise BodyNotExpected
        check_media_type(request, merge_patch=self.operation.method == "PATCH")
        body = await read_body(request)
        value = strict_json.loads(body)
        if self.operation.request is None:
            if value != {}:  # many clients send an empty object with every POST; it says nothing
                raise BodyNotExpected
            return b""
        if value is None:  # to a service it would look as if no body had come
            raise Invalid.at("", "invalid_type")
        return body


def _is_unknown(reply: Reply) -> bool:
    """Whether something that the request refers to does not exist."""
    return not isinstance(reply.headers.get("liaison.status"), int) and b'"not_found"' in reply.body


def _who(request: Incoming) -> str:
    """Among whom the turns of a service are shared."""
    return request.principal.id if request.principal else request.address


def circumstances(request: Incoming, service: str, signer: Signer) -> dict[str, HeaderValue]:
    """Who asks, in which language, on behalf of which request: beside every call."""
    return {
        "nameko.request_id": request.id,
        "nameko.traceparent": request.traceparent,
        "nameko.language": request.language,
        HEADER: (request.principal or _NOBODY).statement(signer, service),
    }


def wire_body(path: dict[str, str], query: dict[str, str | list[str]], body: bytes) -> bytes:
    """Nameko's request body; the client's JSON goes into it as the bytes that came."""
    kwargs: dict[str, Any] = dict(path)
    if query:
        kwargs["query"] = query
    head = json.dumps(kwargs, separators=(",", ":")).encode()
    if not body:
        return b'{"args":[],"kwargs":' + head + b"}"
    return b'{"args":[],"kwargs":' + head[:-1] + (b"," if kwargs else b"") + b'"body":' + body + b"}}"


def answer(operation: Operation, request: Incoming, reply: Reply) -> Response:
    """The HTTP answer to a reply. Success is passed on as the bytes that came."""
    status = reply.headers.get("liaison.status")
    if not isinstance(status, int):
        return refused(operation, request, reply)
    if not reply.body.startswith(_RESULT):
        raise InternalError
    headers = {"cache-control": "private, no-cache" if operation.method == "GET" else "no-store"}
    if etag := reply.headers.get("liaison.etag"):
        headers["etag"] = '"' + str(etag).strip('"') + '"'
    if events := reply.headers.get("liaison.event_ids"):
        headers["x-event-id"] = events if isinstance(events, str) else ",".join(events)
    if reply.headers.get("liaison.replayed"):
        headers["idempotency-replayed"] = "true"
    made = reply.headers.get("liaison.id")
    if made and status == 201 and not operation.path_parameters:
        headers["location"] = f"{operation.path}/{made}"
    if made and status == 202:
        headers["location"] = f"/v1/jobs/{made}"
    content = b"" if status in (204, 304) else reply.body[len(_RESULT) : -1]
    return Response(content, status, headers, media_type=None if status in (204, 304) else "application/json")


def refused(operation: Operation, request: Incoming, reply: Reply) -> Response:
    """A refusal by family and code; any other failure is a defect whose text stays in the logs of the service."""
    error = _error(reply.body)
    if isinstance(refusal := error.get("refusal"), dict):
        return problems.respond(refusal, request.language, request.id, request.scope["path"])
    name = f"{operation.service}.{operation.name}"
    log.error("call failed", extra={"operation": name, "error_code": error.get("exc_type"), "request_id": request.id})
    raise InternalError


def result_of(reply: Reply) -> Any | None:
    """What a service answered, as a value; None when it refused or failed."""
    if not isinstance(reply.headers.get("liaison.status"), int):
        return None
    return json.loads(reply.body)["result"]


def _error(body: bytes) -> dict[str, Any]:
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}
