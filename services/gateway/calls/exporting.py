"""`GET /v1/<resource>?format=csv`: the list as CSV, page by page from the service, at the pace of the client.

If a page cannot be had in the middle, the last line begins with `#error` and names the code, and the chunked body ends
without its last chunk.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response

from gateway.calls.forwarding import Calls, Forwarder, refused, result_of, wire_body
from gateway.calls.rpc import Reply
from gateway.calls.wire import HeaderValue
from gateway.errors import DeadlineExceeded, InternalError, InvalidParameter, Overloaded, ServiceDown, TooManyRequests
from gateway.http.access import Principal, check_no_less
from gateway.http.incoming import Incoming
from gateway.http.reading import event_ids, parse_query
from gateway.http.streaming import BrokenOff, Places, Stream, attachment
from shared.kernel.refusals import Refusal
from shared.schema.contract import Operation
from shared.tables.writing import BOM, Layout, csv_text, delimiter_for

PAGE = 200
TRIES = 5
MOST_AT_ONCE = 2

_places = Places(MOST_AT_ONCE)


class Lister:
    """The endpoint of a list: JSON as ever, or CSV."""

    def __init__(self, forwarder: Forwarder, calls: Calls) -> None:
        self._json, self._csv = forwarder, Exporter(forwarder.operation, calls)

    async def __call__(self, request: Incoming) -> Response:
        if b"format=" in request.scope["query_string"]:
            match parse_query(request.scope["query_string"]).get("format", "json"):
                case "csv":
                    return await self._csv(request)
                case other if other != "json":
                    raise InvalidParameter([{"pointer": "?format", "code": "invalid_choice"}], allowed=["json", "csv"])
        return await self._json(request)


class Exporter:
    """One list as CSV."""

    def __init__(self, operation: Operation, calls: Calls) -> None:
        self.operation, self._calls = operation, calls

    async def __call__(self, request: Incoming) -> Response:
        query = parse_query(request.scope["query_string"])
        wait_for = query.pop("wait_for", None)
        layout = self._layout(query)
        assert request.principal is not None
        release = _places.take(request.principal.id)
        if release is None:
            raise TooManyRequests(retry_after=2)
        try:
            reply = await self._page(request, query, None, event_ids(wait_for) if wait_for else None)
            first = result_of(reply)
        except BaseException:
            release()
            raise
        if first is None:
            release()
            return refused(self.operation, request, reply)
        pieces = self._pieces(request, query, layout, first)
        name = self.operation.path.rpartition("/")[2]
        return Stream(request, pieces, attachment(f"{name}.csv"), "text/csv; charset=utf-8", release)

    def _layout(self, query: dict[str, Any]) -> Layout:
        """Takes out of the query what is not for the service. Raises InvalidParameter."""
        del query["format"]
        wrong = [name for name in ("cursor", "limit", "include_total", "expand") if name in query]
        if wrong:
            raise InvalidParameter([{"pointer": f"?{name}", "code": "unknown_parameter"} for name in wrong])
        assert self.operation.response is not None
        chosen = query.pop("fields", None)
        layout = Layout(self.operation.response, str(chosen).split(",") if chosen else None)
        if layout.unknown or isinstance(chosen, list):
            raise InvalidParameter([{"pointer": "?fields", "code": "unknown_field"}], unknown=layout.unknown[:100])
        return layout

    async def _pieces(
        self, request: Incoming, query: dict[str, Any], layout: Layout, page: dict[str, Any]
    ) -> AsyncIterator[bytes]:
        begun = request.principal
        assert begun is not None
        delimiter = delimiter_for(request.language)
        head = BOM + csv_text([layout.header], delimiter)
        while True:
            yield (head + csv_text(map(layout.row, page["data"]), delimiter)).encode()
            head = ""
            if page["next_cursor"] is None:
                return
            found = await self._next(request, query, page["next_cursor"], begun)
            if isinstance(found, Refusal):
                reason = found.to_wire(request.language)["detail"]
                yield csv_text([["#error", found.code, reason]], delimiter).encode()
                raise BrokenOff(found.code)
            page = found

    async def _next(
        self, request: Incoming, query: dict[str, Any], cursor: str, begun: Principal
    ) -> dict[str, Any] | Refusal:
        """The next page, asked for again while the service is away for a moment; else why there is none.

        A caller who sees less than when the list began gets no more of it: the rest would look like the whole.
        """
        reason: Refusal = InternalError()
        for attempt in range(TRIES):
            try:
                reply = await self._page(request, query, cursor)
                check_no_less(self.operation, request.principal, begun)
            except (ServiceDown, Overloaded, DeadlineExceeded) as refusal:
                reason = refusal
                await asyncio.sleep(0.5 * (attempt + 1))
                continue
            except Refusal as refusal:
                return refusal
            return result_of(reply) or InternalError()
        return reason

    async def _page(
        self, request: Incoming, query: dict[str, Any], cursor: str | None, wait_for: str | None = None
    ) -> Reply:
        more: dict[str, HeaderValue] = {"nameko.wait_for": wait_for} if wait_for else {}
        asked = {**query, "limit": str(PAGE), **({"cursor": cursor} if cursor else {})}
        message = wire_body({}, asked, b"")
        return await self._calls.call(request, self.operation.service, self.operation.name, message, more)
