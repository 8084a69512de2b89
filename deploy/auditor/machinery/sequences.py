"""I3, I4: events of an aggregate are numbered 1..n, copies are at the newest, nothing waits or lies aside."""

from typing import Any

from deploy.auditor.findings import Findings, Rule, World, checks

# Whole months of events are dropped after 13 months: a database with younger events only has all of them.
_SEQUENCE = Rule(
    "",
    counted="SELECT count(*) FROM aggregate_sequence",
    broken="""
    WITH event AS MATERIALIZED (
        SELECT aggregate_id, split_part(routing_key, '.', 2) COLLATE "C" AS aggregate, sequence, created_at,
            right(envelope, length(sequence::text) + 15) <> ',"sequence":"' || sequence || '"}' AS mislabelled
        FROM outbox),
    numbered AS (
        SELECT aggregate_id, aggregate, count(*) AS events, count(DISTINCT sequence) AS numbers,
            min(sequence) AS first, max(sequence) AS last, max(created_at) AS since, bool_or(mislabelled) AS mislabelled
        FROM event GROUP BY 1, 2),
    kept AS (SELECT coalesce(min(created_at) < now() - interval '12 months', false) AS pruned FROM outbox)
    SELECT coalesce(n.aggregate, s.aggregate) AS aggregate, coalesce(n.aggregate_id, s.aggregate_id) AS aggregate_id,
        coalesce(events, 0) AS events, first, n.last, s.last AS counter, since
    FROM numbered n FULL JOIN aggregate_sequence s USING (aggregate, aggregate_id), kept
    WHERE CASE WHEN n.aggregate_id IS NULL THEN NOT pruned
        ELSE events <> numbers OR events <> n.last - first + 1 OR n.last IS DISTINCT FROM s.last OR mislabelled
            OR (first <> 1 AND NOT pruned) END""",
    sentence="{service} {aggregate}: {events} events numbered {first}..{last}, counter at {counter}",
)

_WAITING = Rule(
    "",
    counted="SELECT count(*) FROM outbox",
    broken="SELECT event_id, type, state, CASE WHEN state = 'new' THEN created_at END AS since FROM outbox"
    " WHERE state <> 'published'",
    sentence="{service}: {type} has not been sent (state '{state}')",
)
_PARKED = Rule(
    "",
    counted="SELECT count(*) FROM inbox WHERE state IN ('parked', 'discarded')",
    broken="SELECT event_id, consumer, type, error_code FROM inbox WHERE state = 'parked'",
    sentence="{service}.{consumer} has parked {type} ({error_code}) and no operator has decided",
)
_DISCARDED = Rule(
    "",
    counted="SELECT 0",
    broken="SELECT event_id, consumer, type FROM inbox i WHERE state = 'discarded' AND NOT EXISTS"
    " (SELECT 1 FROM audit a WHERE a.action = 'parked.discard' AND a.object_id = i.event_id AND a.request_id = consumer)",
    sentence="{service}.{consumer} has discarded {type} and nobody answers for it",
)

_POSITIONS = "SELECT consumer, aggregate_id, sequence FROM consumer_position"
_NEWEST = "SELECT aggregate_id, max(sequence), max(created_at) FROM outbox WHERE type = ANY(%(types)s) GROUP BY 1"


@checks(I3="events are numbered without gap, copies are up to date")
def numbered_without_gap(world: World, found: Findings) -> None:
    for service in world.services:
        _SEQUENCE.apply(world, found, service)
        _check_copies(world, found, service)


def _check_copies(world: World, found: Findings, service: str) -> None:
    """Consumers that keep the latest state have applied the newest event of every aggregate.

    They are recognised by their positions; the others keep none.
    """
    positions: dict[str, dict[str, int]] = {}
    for consumer, aggregate_id, sequence in world.databases.rows(service, _POSITIONS):
        positions.setdefault(consumer, {})[aggregate_id] = sequence
    for consumer, at in positions.items():
        types = world.bindings.get(service, {}).get(consumer, [])
        for aggregate_id, (newest, since) in _newest(world, types).items():
            found.checked += 1
            if at.get(aggregate_id) != newest:
                text = f"{service}.{consumer} is at event {at.get(aggregate_id)}, {newest} is the newest"
                found.add(text, since, aggregate=aggregate_id)


def _newest(world: World, types: list[str]) -> dict[str, tuple[int, Any]]:
    newest: dict[str, tuple[int, Any]] = {}
    for producer in world.services:
        for aggregate_id, sequence, since in world.databases.rows(producer, _NEWEST, {"types": types}):
            newest[aggregate_id] = (sequence, since)
    return newest


@checks(I4="nothing waits to be sent, nothing is parked")
def nothing_waits(world: World, found: Findings) -> None:
    for service in world.services:
        for rule in (_WAITING, _PARKED, _DISCARDED):
            rule.apply(world, found, service)
