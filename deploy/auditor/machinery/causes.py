"""I6: every event was caused by a command, a timer, a program or another event, and carries the correlation of its cause."""

from deploy.auditor.findings import Findings, World, checks
from deploy.auditor.joins import Row, joined, merged

_EXTENSION = "split_part(split_part(envelope, '\"{}\":\"', 2), '\"', 1)"
_CAUSE, _CORRELATION = _EXTENSION.format("causationid"), _EXTENSION.format("correlationid")

# What a command caused stands in the same database as its trace, with the correlation of the command itself.
_EFFECTS = f"""
    WITH effect AS MATERIALIZED (
        SELECT {_CAUSE} COLLATE "C" AS cause, event_id, {_CORRELATION} COLLATE "C" AS correlation, created_at, type
        FROM outbox)
    SELECT cause, event_id::text, correlation, created_at, type FROM effect
    WHERE NOT EXISTS (SELECT 1 FROM audit WHERE request_id = cause AND cause = correlation) ORDER BY cause"""
_EVENTS = f'SELECT event_id::text COLLATE "C", {_CORRELATION}, created_at FROM outbox ORDER BY outbox.event_id'
_COUNT = "SELECT count(*) FROM outbox"

# Months are dropped whole: of a database older than a year, the causes of its oldest events may be gone.
_KEPT_SINCE = (
    "SELECT CASE WHEN min(created_at) < now() - interval '12 months' THEN min(created_at) + interval '2 days' END"
    " FROM outbox"
)


@checks(I6="every event has a cause and carries its correlation")
def caused_by_something(world: World, found: Findings) -> None:
    rows = world.databases.rows
    effects = merged(*(rows(service, _EFFECTS) for service in world.services))
    causes = merged(*(rows(service, _EVENTS) for service in world.services))
    kept = [since for service in world.services if (since := world.databases.value(service, _KEPT_SINCE))]
    found.checked += sum(int(world.databases.value(service, _COUNT)) for service in world.services)
    backwards = []
    for caused, causing in joined(effects, causes):
        for effect in caused:
            if not kept or effect[3] >= max(kept):
                _check(effect, causing, found)
            if any(effect[3] < cause[2] for cause in causing):
                backwards.append(effect[1])
    _check_cycles(world, backwards, found)


def _check(effect: Row, causing: list[Row], found: Findings) -> None:
    cause, event_id, correlation, created_at, type_ = effect
    if cause == event_id:
        found.add(f"{type_} names itself as its cause", created_at, event=event_id)
    elif cause.startswith(("timer:", "program:")):
        if correlation != cause:
            found.add(f"{type_} of {cause} carries another correlation ({correlation})", created_at, event=event_id)
    elif not causing:
        found.add(f"the cause of {type_} does not exist: '{cause}'", created_at, event=event_id)
    elif all(row[1] != correlation for row in causing):
        found.add(
            f"{type_} carries another correlation ({correlation}) than its cause {cause}", created_at, event=event_id
        )


def _check_cycles(world: World, suspects: list[str], found: Findings) -> None:
    """Along a cycle some effect is older than its cause (or clocks differ): only from there is it worth walking."""
    if not suspects:
        return
    causes = {e: c for s in world.services for c, e, *_ in world.databases.rows(s, _EFFECTS) if c != e}
    reported: set[str] = set()
    for suspect in suspects:
        cycle = _cycle(causes, suspect)
        if cycle and not reported.intersection(cycle):
            reported.update(cycle)
            found.add(f"{len(cycle)} events cause each other in a circle", event=suspect)


def _cycle(causes: dict[str, str], start: str) -> set[str]:
    """The events of the circle that the causes of `start` lead back into, if they do."""
    seen, at = {start}, causes.get(start)
    while at in causes and at not in seen:
        seen.add(at)
        at = causes[at]
    return seen if at == start else set()
