"""Operations that each service has for itself under one route: all are asked and their lists merged, or the named one."""

import asyncio
import json
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from gateway.errors import RouteNotFound
from gateway.forwarding import Forwarder, answer
from gateway.incoming import Incoming
from gateway.reading import parse_query
from gateway.rpc import Reply
from shared.derived.parked_contract import cursor_of
from shared.refusals import Refusal


class Everywhere:
    """The endpoint of one such operation. `service` in the path, or else in the query, names one service."""

    def __init__(self, forwarders: list[Forwarder]) -> None:
        self._by_service = {forwarder.operation.service: forwarder for forwarder in forwarders}

    async def __call__(self, request: Incoming) -> Response:
        if "service" in request.path_params:
            return await self._named(request.path_params["service"])(request)
        query = parse_query(request.scope["query_string"])
        service = query.get("service")
        asked = [self._named(str(service))] if service is not None else list(self._by_service.values())
        replies = await asyncio.gather(*(_try(forwarder, request) for forwarder in asked))
        for forwarder, reply in zip(asked, replies, strict=True):
            if isinstance(reply, Reply) and not isinstance(reply.headers.get("liaison.status"), int):
                return answer(forwarder.operation, request, reply)
        pages = [json.loads(reply.body)["result"] for reply in replies if isinstance(reply, Reply)]
        away = [f.operation.service for f, reply in zip(asked, replies, strict=True) if reply is None]
        return JSONResponse(_merged(pages, int(str(query.get("limit", 50))), away), headers=_NO_STORE)

    def _named(self, service: str) -> Forwarder:
        if service not in self._by_service:
            raise RouteNotFound
        return self._by_service[service]


_NO_STORE = {"cache-control": "no-store"}


async def _try(forwarder: Forwarder, request: Incoming) -> Reply | None:
    """None when the service is away: the others answer all the same. Raises what is wrong with the request."""
    try:
        return await forwarder.ask(request)
    except Refusal as refusal:
        if refusal.family not in ("unavailable", "deadline"):
            raise
        return None


def _merged(pages: list[dict[str, Any]], limit: int, away: list[str]) -> dict[str, Any]:
    """One page of all services' rows in the order that their cursors follow."""
    rows = sorted((row for page in pages for row in page["data"]), key=_place)
    more = len(rows) > limit or any(page["next_cursor"] for page in pages)
    shown = rows[:limit]
    return {"data": shown, "next_cursor": cursor_of(shown[-1]) if more else None, "unavailable": away}


def _place(row: dict[str, Any]) -> tuple[datetime, str, str, str]:
    return datetime.fromisoformat(row["received_at"]), row["event_id"], row["consumer"], row["service"]
