"""Keeping the ids of what a service's requests name and another service owns (`existence.py`), without a word of it there.

A service whose schemas hold `fields.Known("users")` and that keeps no replica of users listens to their events by the
handler `know_user`, and keeps the companies in which each is seen.
"""

from collections.abc import Callable, Iterator

from sqlalchemy import ARRAY, Column, MetaData, Table, Text, Uuid, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared import contracts
from shared.schema.contract import Event
from shared.storage.replicas import replicas_of, resource_of
from shared.wire.named_records import places

KNOWN = Table(
    "known", MetaData(),
    Column("resource", Text, primary_key=True), Column("id", Uuid, primary_key=True), Column("companies", ARRAY(Uuid)),
)  # fmt: skip


def keepers(service: str) -> Iterator[tuple[str, tuple[type[Event], ...], Callable[..., None]]]:
    """For each such resource: the name of the handler, what it hears, and what it does."""
    kept = {resource_of(cls) for cls in replicas_of(service)}
    for resource in sorted(_named_by(service) - kept - {"companies"}):  # of companies there is a table with more
        if contracts.owner_of(resource) not in (service, ""):
            events = contracts.events_about(resource)
            yield f"know_{events[0].aggregate}", events, _keeper(resource)


def _named_by(service: str) -> set[str]:
    """The resources whose ids the requests of a service name."""
    requests = {o.request for o in contracts.operations()[service].values() if o.request is not None}
    return {resource for request in requests for _, resource in places(request)}


def _keeper(resource: str) -> Callable[[object, Session, list[Event]], None]:
    def know(service: object, session: Session, events: list[Event]) -> None:
        gone = [event.aggregate_id for event in events if event.type.endswith(".deleted")]
        rows = [
            {"resource": resource, "id": event.aggregate_id, "companies": _seen_in(event)}
            for event in sorted(events, key=lambda event: event.aggregate_id)
            if not event.type.endswith(".deleted")
        ]
        if rows:
            found = insert(KNOWN).values(rows)
            changed = {"companies": found.excluded.companies}
            where = KNOWN.c.companies.is_distinct_from(found.excluded.companies)
            session.execute(found.on_conflict_do_update(constraint="pk_known", set_=changed, where=where))
        if gone:
            session.execute(delete(KNOWN).where(KNOWN.c.resource == resource, KNOWN.c.id.in_(gone)))

    return know


def _seen_in(event: Event) -> object:
    """The companies in which what an event tells of is seen, None for all."""
    company = getattr(event, "company_id", None)
    return getattr(event, "companies", [company] if company else None)
