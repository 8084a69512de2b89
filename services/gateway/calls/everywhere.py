"""Operations that each service has for itself under one route: the one that the path tells of is asked, or all of them
are and their lists merged."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response

from gateway.calls.forwarding import Forwarder, refused, result_of
from gateway.calls.rpc import Reply
from gateway.errors import RouteNotFound
from gateway.http.incoming import Incoming
from gateway.http.reading import parse_query
from gateway.http.routes import Endpoint
from shared.kernel.refusals import Refusal
from shared.schema.contract import Operation
from shared.schema.derived import parked_contract

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """How the rows of several services become one list: by their `place`, and the next page begins after a `cursor`."""

    place: Callable[[Row], Any]
    cursor: Callable[[Row], str]
    descending: bool = False


OLDEST_PARKED = Order(parked_contract.place_of, parked_contract.cursor_of)


class OfOne:
    """An operation on something that one service keeps; which one, the path says."""

    def __init__(self, forwarders: Mapping[str, Forwarder], keeper: Callable[[Incoming], str | None]) -> None:
        self._by_service, self._keeper = forwarders, keeper

    async def __call__(self, request: Incoming) -> Response:
        forwarder = self._by_service.get(self._keeper(request) or "")
        if forwarder is None:
            raise RouteNotFound
        return await forwarder(request)


class Merged:
    """A list of what all services have. A parameter `service`, where the operation declares it, names one of them.

    `ask` are the ways to ask each service. What is away is named in `unavailable`; the others answer all the same.
    """

    def __init__(
        self, operation: Operation, ask: Mapping[str, Callable[[Incoming], Awaitable[Reply]]], order: Order
    ) -> None:
        self._operation, self._ask, self._order = operation, ask, order
        self._takes_service = operation.parameters is not None and "service" in operation.parameters().fields

    async def __call__(self, request: Incoming) -> Response:
        query = parse_query(request.scope["query_string"])
        asked = self._asked(query)
        replies = await asyncio.gather(*(_try(self._ask[service], request) for service in asked))
        pages = []
        for reply in filter(None, replies):
            if (page := result_of(reply)) is None:
                return refused(self._operation, request, reply)
            pages.append(page)
        away = [service for service, reply in zip(asked, replies, strict=True) if reply is None]
        return _response(self._page(pages, int(str(query.get("limit", 50)))) | {"unavailable": away})

    def _asked(self, query: dict[str, Any]) -> list[str]:
        """The services to ask. Raises RouteNotFound for a name that is none."""
        if not self._takes_service or "service" not in query:
            return list(self._ask)
        if (service := str(query["service"])) not in self._ask:
            raise RouteNotFound
        return [service]

    def _page(self, pages: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
        """One page of all services' rows in the order that their cursors follow."""
        rows = [row for page in pages for row in page["data"]]
        shown = sorted(rows, key=self._order.place, reverse=self._order.descending)[:limit]
        more = len(rows) > limit or any(page["next_cursor"] for page in pages)
        return {"data": shown, "next_cursor": self._order.cursor(shown[-1]) if more and shown else None}


def endpoint(forwarders: Sequence[Forwarder]) -> Endpoint:
    """What answers an operation that every service declares for itself."""
    by_service = {forwarder.operation.service: forwarder for forwarder in forwarders}
    if "service" in forwarders[0].operation.path_parameters:
        return OfOne(by_service, lambda request: request.path_params["service"])
    return Merged(forwarders[0].operation, {name: f.ask for name, f in by_service.items()}, OLDEST_PARKED)


async def _try(ask: Callable[[Incoming], Awaitable[Reply]], request: Incoming) -> Reply | None:
    """None when the service is away. Raises what is wrong with the request."""
    try:
        return await ask(request)
    except Refusal as refusal:
        if refusal.family not in ("unavailable", "deadline"):
            raise
        return None


def _response(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers={"cache-control": "private, no-cache"})
