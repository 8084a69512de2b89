"""Jobs at the edge: whom to ask stands in the id; files come and go in pieces."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from starlette.responses import Response

from gateway.calls.everywhere import Merged, OfOne, Order
from gateway.calls.forwarding import Calls, Forwarder, refused, result_of, wire_body
from gateway.calls.rpc import Reply
from gateway.errors import InvalidParameter, RouteNotFound
from gateway.http.incoming import Incoming
from gateway.http.reading import event_ids, parse_query
from gateway.http.streaming import BrokenOff, Stream, attachment
from shared import contracts
from shared.kernel.refusals import Refusal
from shared.schema.contract import Operation
from shared.schema.derived import job_contract
from shared.tables.writing import BOM, csv_text, delimiter_for, harmless

_ERROR_COLUMNS = ("row", "column", "field", "level", "code", "message", "cell")


NEWEST = Order(place=lambda job: str(job["id"]), cursor=lambda job: str(job["id"]), descending=True)
"""Job ids rise with time."""


def service_of(request: Incoming) -> str:
    """The service that runs the job which the path names. Raises RouteNotFound."""
    service = contracts.service_of_job(UUID(request.path_params["id"]))
    if service is None:
        raise RouteNotFound
    return service


def of_one_job(operation: Operation, calls: Calls) -> OfOne:
    """An operation on one job, passed on to the service that runs it."""
    at = {service: replace(operation, service=service) for service in contracts.SERVICES}
    return OfOne({s: Forwarder(o, calls) for s, o in at.items()}, service_of)


def listing(operation: Operation, calls: Calls) -> Merged:
    """`GET /v1/jobs`: every service is asked, but none is waited for long."""
    seconds = min(3.0, calls.seconds)

    async def ask(service: str, request: Incoming) -> Reply:
        message = wire_body({}, _query(request, "limit", "cursor"), b"")
        return await calls.call(request, service, operation.name, message, seconds=seconds)

    return Merged(operation, {service: partial(ask, service) for service in contracts.SERVICES}, NEWEST)


def _query(request: Incoming, *known: str) -> dict[str, Any]:
    """The parameters; `wait_for` has nothing to wait for here, because no event makes or moves a job.

    Raises InvalidParameter or InvalidWaitFor.
    """
    query = parse_query(request.scope["query_string"])
    if (wait_for := query.pop("wait_for", None)) is not None:
        event_ids(wait_for)
    if wrong := sorted(set(query) - set(known)):
        errors = [{"pointer": f"?{name}", "code": "unknown_parameter"} for name in wrong]
        raise InvalidParameter(errors, allowed=[*known, "wait_for"])
    return query


class _Pieces:
    """An answer that the service gives in pieces."""

    def __init__(self, operation: Operation, calls: Calls) -> None:
        self.operation, self._calls = operation, calls

    async def __call__(self, request: Incoming) -> Response:
        _query(request)
        reply = await self._ask(request, 0)
        first = result_of(reply)
        return refused(self.operation, request, reply) if first is None else self._stream(request, first)

    def _stream(self, request: Incoming, first: dict[str, Any]) -> Response:
        raise TypeError

    async def _following(self, request: Incoming, after: int) -> dict[str, Any]:
        """Raises BrokenOff, also when the reader may not read it any more."""
        try:
            found = result_of(await self._ask(request, after))
        except Refusal as refusal:
            raise BrokenOff(refusal.code) from None
        if found is None:
            raise BrokenOff("refused")
        return dict(found)

    async def _ask(self, request: Incoming, after: int) -> Reply:
        message = wire_body(dict(request.path_params), {"after": str(after)}, b"")
        return await self._calls.call(request, service_of(request), self.operation.name, message)


class Result(_Pieces):
    """The file that an export made."""

    def _stream(self, request: Incoming, first: dict[str, Any]) -> Response:
        return Stream(request, self._content(request, first), attachment(first["name"]), first["media_type"])

    async def _content(self, request: Incoming, piece: dict[str, Any]) -> AsyncIterator[bytes]:
        number = 0
        while True:
            yield base64.b64decode(piece["content"])
            if piece["last"]:
                return
            number += 1
            piece = await self._following(request, number)


class Errors(_Pieces):
    """The row errors of a job as CSV."""

    def _stream(self, request: Incoming, first: dict[str, Any]) -> Response:
        return Stream(request, self._lines(request, first), attachment("errors.csv"), "text/csv; charset=utf-8")

    async def _lines(self, request: Incoming, page: dict[str, Any]) -> AsyncIterator[bytes]:
        delimiter = delimiter_for(request.language)
        head = BOM + csv_text([_ERROR_COLUMNS], delimiter)
        while True:
            rows = [
                ["" if error[name] is None else str(error[name]) for name in _ERROR_COLUMNS] for error in page["data"]
            ]
            yield (head + csv_text(harmless(rows), delimiter)).encode()
            head = ""
            if page["next"] is None:
                return
            page = await self._following(request, page["next"])


class Template:
    """The empty file of an import, which the service hands over whole."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder

    async def __call__(self, request: Incoming) -> Response:
        reply = await self._forwarder.ask(request)
        file = result_of(reply)
        if file is None:
            return refused(self._forwarder.operation, request, reply)
        content = base64.b64decode(file["content"])
        return Response(content, headers=attachment(file["name"]), media_type=file["media_type"])


ENDPOINTS: dict[str, Any] = {"list_jobs": listing, "list_job_errors": Errors, "read_job_result": Result}


def endpoints(calls: Calls) -> list[tuple[Operation, Any]]:
    """Every operation on jobs with what answers it."""
    return [(o, ENDPOINTS.get(name, of_one_job)(o, calls)) for name, o in job_contract.PUBLIC.items()]
