"""What an invariant found: how much was checked, and every place where it does not hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from deploy.auditor.databases import Databases
from deploy.auditor.history import Command

KEPT = 1000
"""Violations kept per invariant; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where an invariant does not hold. `since`: the time of the youngest fact involved, where known."""

    sentence: str
    ids: Mapping[str, str]
    since: datetime | None
    pending: bool


@dataclass(slots=True)
class Findings:
    """The result of one invariant. A violation is pending while it is younger than the grace time."""

    invariant: str
    read_at: datetime
    grace: timedelta
    checked: int = 0
    broken: int = 0
    pending: int = 0
    violations: list[Violation] = field(default_factory=list)

    def add(self, sentence: str, since: datetime | None = None, **ids: Any) -> None:
        """Report a violation. Without `since` it counts at once."""
        pending = since is not None and since > self.read_at - self.grace
        self.pending, self.broken = self.pending + pending, self.broken + (not pending)
        if len(self.violations) < KEPT:
            known = {name: str(value) for name, value in ids.items() if value is not None}
            self.violations.append(Violation(sentence, known, since, pending))


@dataclass(frozen=True, slots=True)
class World:
    """Everything a check may look at. `bindings`: service → consumer → full event types. `history`: see history.py."""

    databases: Databases
    bindings: Mapping[str, Mapping[str, list[str]]]
    history: list[Command] = field(default_factory=list)
    since: datetime | None = None

    @property
    def services(self) -> list[str]:
        return list(self.databases.services)


Check = Callable[..., None]
"""`check(world, findings, …)` with one `Findings` for each invariant that it is registered for."""

CHECKS: list[tuple[dict[str, str], Check]] = []
"""Invariants with their titles, and what checks them."""


def checks(**invariants: str) -> Callable[[Check], Check]:
    """Register a function as the check of some invariants: `I` and a number = what it promises. Raises TypeError."""
    if taken := invariants.keys() & {name for known, _ in CHECKS for name in known}:
        raise TypeError(f"{', '.join(sorted(taken))}: another check has this name")
    if wrong := [name for name in invariants if not (name[:1] == "I" and name[1:].isdecimal())]:
        raise TypeError(f"{', '.join(wrong)}: an invariant is called I and a number")

    def register(check: Check) -> Check:
        CHECKS.append((invariants, check))
        return check

    return register


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant inside one database: SQL for the number of cases, SQL for the cases that break it.

    Columns of `broken` fill the sentence; those named `*_id` are reported as ids, `since` dates the violation.
    """

    service: str
    counted: str
    broken: str
    sentence: str

    def apply(self, world: World, found: Findings, service: str = "", **values: Any) -> None:
        """Check it, in another database than its own if `service` says so."""
        where = service or self.service
        found.checked += int(world.databases.value(where, self.counted, values))
        for row in world.databases.records(where, self.broken, values):
            ids = {name.removesuffix("_id"): value for name, value in row.items() if name.endswith("_id")}
            found.add(self.sentence.format(service=where, **row), row.get("since"), **ids)
