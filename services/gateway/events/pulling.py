"""Reading what happened, page by page."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.events import store
from gateway.events.choosing import chosen_types
from gateway.events.visibility import viewer, visible_types
from shared.contracts import gateway as contract
from shared.flows.entrypoints import query
from shared.kernel.context import current
from shared.kernel.refusals import BadRequest


class Pulling:
    """For scripts, for the night, and for the time after an outage."""

    @query(contract.list_events)
    def list_events(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        context = current(session)
        who = viewer(context.permissions, context.companies)
        types = chosen_types(parameters["types"]) & visible_types(who)
        after, most = _after(parameters), parameters["limit"]
        asked = store.Asked(types, who.companies, parameters["subject"])
        if after == "latest":
            return {"data": [], "next_cursor": None, "last_id": store.latest(session, asked)}
        seen = UUID(after) if after else None
        since = store.position_after(session, seen) if seen else 0
        found = store.matching(session, since, asked, most + 1)
        return _page(found[:most], seen, more=len(found) > most)


def _after(parameters: dict[str, Any]) -> str | None:
    """Where to read on. Raises BadRequest where two places are named."""
    after, cursor = parameters["after"], parameters["cursor"]
    if after and cursor:
        raise BadRequest([{"pointer": "?cursor", "code": "ambiguous"}])
    return str(cursor) if cursor else after


def _page(shown: list[store.Stored], after: UUID | None, more: bool) -> dict[str, Any]:
    last = shown[-1].event_id if shown else after
    return {"data": [json.loads(row.envelope) for row in shown], "next_cursor": last if more else None, "last_id": last}
