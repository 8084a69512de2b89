"""Reading what happened, page by page."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.events import store
from gateway.events.choosing import chosen_types
from gateway.events.visibility import viewer, visible_types
from shared.context import current
from shared.contracts import gateway as contract
from shared.entrypoints import query


class Pulling:
    """For scripts, for the night, and for the time after an outage."""

    @query(contract.list_events)
    def list_events(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        context = current(session)
        who = viewer(context.permissions, context.companies)
        types = chosen_types(parameters["types"]) & visible_types(who)
        after, most = parameters["after"], parameters["limit"]
        since = store.position_after(session, after) if after else 0
        found = store.page(session, since, types, who.companies, most + 1)
        return _page(found[:most], after, more=len(found) > most)


def _page(shown: list[store.Stored], after: UUID | None, more: bool) -> dict[str, Any]:
    last = shown[-1].event_id if shown else after
    return {"data": [json.loads(row.envelope) for row in shown], "next_cursor": last if more else None, "last_id": last}
