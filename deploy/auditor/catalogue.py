"""The invariants by name, and the run that checks them.

What a folder of this package checks is found by being there: `machinery` for every service, one folder per service for
what its documents promise.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from queue import SimpleQueue

from deploy import auditor
from deploy.auditor.databases import Databases
from deploy.auditor.findings import CHECKS, Check, Findings, World


def _found() -> dict[str, str]:
    """Import the checks of all folders, which registers them; the invariants with their titles, by number."""
    for folder in (m for m in pkgutil.iter_modules(auditor.__path__, f"{auditor.__name__}.") if m.ispkg):
        for module in pkgutil.iter_modules(importlib.import_module(folder.name).__path__, f"{folder.name}."):
            importlib.import_module(module.name)
    titles = {name: title for invariants, _ in CHECKS for name, title in invariants.items()}
    return {name: titles[name] for name in sorted(titles, key=lambda name: int(name[1:]))}


TITLES = _found()


def run(
    world: World, only: Iterable[str] = (), grace: timedelta = timedelta(0), lanes: Sequence[Databases] = ()
) -> dict[str, Findings]:
    """Check the invariants (all, or only some) and return their findings in the order of `TITLES`.

    With several `lanes`, one check computes while another waits for its database.
    """
    wanted = set(only) or set(TITLES)
    results = {name: Findings(name, world.databases.read_at, grace) for name in TITLES}
    free: SimpleQueue[Databases] = SimpleQueue()
    for lane in lanes or (world.databases,):
        free.put(lane)

    def carry_out(invariants: Iterable[str], check: Check) -> None:
        databases = free.get()
        try:
            check(replace(world, databases=databases), *(results[name] for name in invariants))
        finally:
            free.put(databases)

    with ThreadPoolExecutor(max(1, len(lanes))) as pool:
        started = [pool.submit(carry_out, *each) for each in CHECKS if wanted & each[0].keys()]
        for one in started:
            one.result()
    return {name: results[name] for name in TITLES if name in wanted}
