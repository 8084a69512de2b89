"""I1, I2, I5: what was published is what every consumer has taken, once and unaltered, and nothing else."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from deploy.auditor.findings import Findings, World, checks
from deploy.auditor.joins import Row, joined, merged

INBOX_KEPT = timedelta(days=89)
"""Inboxes forget what they have done after 90 days; older events are not looked for in them."""

_SENT = (
    "SELECT event_id, type, encode(sha256(convert_to(envelope, 'UTF8')), 'hex'), created_at,"
    " split_part(type, '.', 2) FROM outbox ORDER BY event_id"
)
# What could not be read was parked under a key of its own, with an error code for a type: it claims no event.
_TAKEN = (
    "SELECT event_id, %(service)s, consumer, type, producer, encode(sha256, 'hex'), state, received_at FROM inbox"
    " WHERE type LIKE 'liaison.%%' OR state = 'done' ORDER BY event_id"
)
_FINISHED = ("done", "parked", "discarded")


@checks(
    I1="every published event reached every consumer, once",
    I2="nothing was taken that nobody published",
    I5="what arrived is what was sent, byte by byte",
)
def delivered_once_and_unaltered(world: World, missing: Findings, forged: Findings, altered: Findings) -> None:
    """One pass over all outboxes and all inboxes, event by event."""
    listeners = _listeners(world)
    oldest = max(filter(None, (world.since, world.databases.machine_at - INBOX_KEPT)))
    for events, receipts in joined(merged(*_sent(world)), merged(*_taken(world))):
        forged.checked += len(receipts)
        for event in events:
            _check_taken(event, receipts, listeners.get(event[1], []), oldest, missing)
        for receipt in receipts:
            _check_origin(receipt, events, forged, altered)


def _sent(world: World) -> Iterator[Iterator[Row]]:
    return (world.databases.rows(service, _SENT) for service in world.services)


def _taken(world: World) -> Iterator[Iterator[Row]]:
    return (world.databases.rows(service, _TAKEN, {"service": service}) for service in world.services)


def _listeners(world: World) -> dict[str, list[tuple[str, str]]]:
    """Full event type → (service, consumer) of everybody who is bound to it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for service, consumers in world.bindings.items():
        for consumer, types in consumers.items():
            for type_ in types:
                found.setdefault(type_, []).append((service, consumer))
    return found


def _check_taken(
    event: Row, receipts: list[Row], listeners: list[tuple[str, str]], oldest: datetime, missing: Findings
) -> None:
    event_id, type_, _, created_at, _ = event
    if created_at < oldest:
        return
    missing.checked += len(listeners)
    states = {(receipt[1], receipt[2]): receipt[6] for receipt in receipts}
    for service, consumer in listeners:
        state = states.get((service, consumer))
        if state not in _FINISHED:
            what = "never reached" if state is None else f"is still in state '{state}' at"
            missing.add(f"{type_} {what} {service}.{consumer}", created_at, event=event_id)


def _check_origin(receipt: Row, events: list[Row], forged: Findings, altered: Findings) -> None:
    event_id, service, consumer, type_, producer, digest, _, received_at = receipt
    place = f"{service}.{consumer}"
    claimed = [event for event in events if event[1] == type_ and event[4] == producer]
    if not claimed:
        forged.add(f"{place} took {type_} that {producer} never published", received_at, event=event_id)
        return
    altered.checked += 1
    if all(event[2] != digest for event in claimed):
        altered.add(f"{place} took {type_} with other content than was published", received_at, event=event_id)
