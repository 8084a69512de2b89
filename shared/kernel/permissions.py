"""Permissions: `area.resource:verb`, patterns of them, and how far they reach.

A held pattern may contain `*` and may end with a reach: `sales.orders:read@own` is for records that the caller owns,
`@team` for those of the caller's team, and without one it is for all.
"""

from functools import lru_cache

OWN, TEAM, ALL = "own", "team", "all"
REACHES = (OWN, TEAM, ALL)
"""From the shortest to the longest."""


def allows(held: tuple[str, ...], permission: str) -> bool:
    """Whether patterns grant a permission, however far; an empty permission is granted to nobody."""
    return reach(held, permission) is not None


def cut(held: tuple[str, ...], scopes: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    """What of the known permissions both grant, each as far as the shorter of the two reaches."""
    found = []
    for permission in known:
        reaches = [reach(patterns, permission) for patterns in (held, scopes)]
        shorter = min((r for r in reaches if r), key=REACHES.index) if all(reaches) else None
        if shorter:
            found.append(permission if shorter == ALL else f"{permission}@{shorter}")
    return tuple(found)


def is_known(pattern: str, known: tuple[str, ...]) -> bool:
    """Whether a pattern is well made and grants at least one of the permissions that there are."""
    return any(reach((pattern,), permission) for permission in known)


@lru_cache(maxsize=50_000)
def reach(held: tuple[str, ...], permission: str) -> str | None:
    """How far a permission reaches by the longest of the patterns that grant it; None when none does."""
    if not permission:
        return None
    reaches = [_reach_of(pattern) for pattern in held if _matches(pattern.partition("@")[0], permission)]
    return max(filter(None, reaches), key=REACHES.index, default=None)


def _reach_of(pattern: str) -> str | None:
    _, marked, reached = pattern.partition("@")
    if not marked:
        return ALL
    return reached if reached in REACHES else None


def _matches(held: str, permission: str) -> bool:
    if held == "*" or held == permission:
        return True
    held_area, _, held_verb = held.partition(":")
    area, _, verb = permission.partition(":")
    same_area = held_area == "*" or held_area == area or (held_area.endswith(".*") and area.startswith(held_area[:-1]))
    return same_area and held_verb in ("*", verb)
