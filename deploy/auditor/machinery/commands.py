"""I7, I8: what clients were answered is what happened, and a repeated request never makes a second thing."""

from collections import defaultdict

from deploy.auditor.findings import Findings, Rule, World, checks
from deploy.auditor.history import Command

Effect = tuple[str, str | None]
"""(id of the audit row, id of the resource): every command that took effect left exactly one audit row."""

_EFFECTS = (
    "SELECT action, request_id, object_id, id FROM audit"
    " WHERE action = ANY(%(actions)s) AND (request_id = ANY(%(requests)s) OR object_id = ANY(%(ids)s::uuid[]))"
)
_REMEMBERED = Rule(
    "",
    counted="SELECT count(*) FROM idempotency WHERE status = 201 AND aggregate_id IS NOT NULL",
    broken="""
    WITH made AS (SELECT action, object_id, count(*) AS times FROM audit WHERE object_id IS NOT NULL GROUP BY 1, 2)
    SELECT operation, key, aggregate_id, coalesce(times, 0) AS times, created_at AS since
    FROM idempotency LEFT JOIN made ON action = operation AND object_id = aggregate_id
    WHERE status = 201 AND aggregate_id IS NOT NULL AND coalesce(times, 0) <> 1""",
    sentence="{service}: key '{key}' of {operation} stands for something that was made {times} times",
)


@checks(I7="clients were told what happened", I8="a repeated request makes nothing twice")
def told_what_happened(world: World, told: Findings, repeated: Findings) -> None:
    for service in world.services:
        _REMEMBERED.apply(world, repeated, service)
        commands = [command for command in world.history if command.service == service]
        if not commands:
            continue
        by_request, by_object = _effects(world, service, commands)
        for command in commands:
            told.checked += 1
            repeated.checked += 1
            _check(command, _effects_of(command, by_request, by_object), told, repeated)


def _effects(
    world: World, service: str, commands: list[Command]
) -> tuple[dict[tuple[str, str], list[Effect]], dict[tuple[str, str], list[Effect]]]:
    """The effects that may belong to the commands: by (action, request id) and by (action, resource id)."""
    values = {
        "actions": sorted({c.action for c in commands}),
        "requests": sorted({r for c in commands for r in c.request_ids}),
        "ids": sorted({i for c in commands for i in c.ids}),
    }
    by_request, by_object = defaultdict(list), defaultdict(list)
    for action, request_id, object_id, audit_id in world.databases.rows(service, _EFFECTS, values):
        by_request[action, request_id].append((audit_id, object_id))
        by_object[action, object_id].append((audit_id, object_id))
    return by_request, by_object


def _effects_of(
    command: Command,
    by_request: dict[tuple[str, str], list[Effect]],
    by_object: dict[tuple[str, str], list[Effect]],
) -> set[Effect]:
    """By the ids of its requests; where the client chose none, by the resource."""
    if command.request_ids:
        return {effect for r in command.request_ids for effect in by_request.get((command.action, r), [])}
    return {effect for i in command.ids for effect in by_object.get((command.action, i), [])}


def _check(command: Command, effects: set[Effect], told: Findings, repeated: Findings) -> None:
    times, name = len(effects), f"{command.action} with key '{command.key}'"
    if command.outcome == "ok" and times == 0:
        told.add(f"{name} was answered with success and had no effect", command=command.key)
    elif command.outcome == "refused" and times:
        told.add(f"{name} was refused and took effect {times} times", command=command.key)
    elif times > 1:
        told.add(f"{name} took effect {times} times", command=command.key)
    made = {object_id for _, object_id in effects if object_id} | (command.ids if command.outcome == "ok" else set())
    if len(made) > 1:
        repeated.add(f"{name} stands for {len(made)} different things: {', '.join(sorted(made))}", command=command.key)
