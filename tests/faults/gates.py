"""The table of gates, and how one is run: break, heal, come to rest, count, audit."""

import importlib
import pkgutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared import contracts
from tests.faults.reckoning import Result, audit, count_doubled, count_parked, reckon
from tests.faults.rig import Rig
from tests.faults.workload import Workload


class Trial:
    """One run of one gate: the rig, what is counted, and the crowds that work meanwhile."""

    def __init__(self, rig: Rig, result: Result) -> None:
        self.rig, self.result, self.short = rig, result, rig.short
        self.works: list[Workload] = []
        self.discards_parked = False
        self.survivors: dict[str, int] | None = None

    def work(self) -> Workload:
        """A crowd whose history counts."""
        self.works.append(self.rig.workload())
        return self.works[-1]

    def nobody_may_exit(self) -> None:
        """From here on every process must keep its pid."""
        self.survivors = self.rig.pids()

    def lasting(self, long: float, short: float) -> float:
        return short if self.short else long


@dataclass(frozen=True)
class Gate:
    """A row of the fault catalogue. Fault rows come first, rows that take servers down last."""

    number: int
    title: str
    run: Callable[[Trial], None]


GATES: dict[int, Gate] = {}


def collect() -> dict[int, Gate]:
    """All gates, from every module beside this one."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], "tests.faults."):
        if not module.name.endswith(("__main__", "test_slice")):
            importlib.import_module(module.name)
    return GATES


def gate(number: int, title: str) -> Callable[[Callable[[Trial], None]], Callable[[Trial], None]]:
    """Enter a function into the table."""

    def enter(run: Callable[[Trial], None]) -> Callable[[Trial], None]:
        GATES[number] = Gate(number, title, run)
        return run

    return enter


def run_gate(rig: Rig, number: int) -> Result:
    """Run a gate and everything after it; what goes wrong stands in the result."""
    chosen = GATES[number]
    result = Result(number, chosen.title, rig.seed)
    trial, started = Trial(rig, result), time.monotonic()
    rig.deaths.clear()
    try:
        chosen.run(trial)
        _check_survivors(trial)
    except Exception as error:
        result.violations.append(f"{type(error).__name__}: {error}"[:2000])
    _conclude(trial)
    result.seconds = time.monotonic() - started
    return result


def _check_survivors(trial: Trial) -> None:
    if trial.survivors is not None:
        now = trial.rig.pids()
        gone = {name for name, pid in trial.survivors.items() if now.get(name) != pid}
        trial.result.expect(not gone, f"processes ended: {sorted(gone)} {trial.rig.deaths[-5:]}")


def _discard(rig: Rig) -> None:
    """What was parked on purpose is discarded, and its evidence forgotten: nobody had published it."""
    rig.operator("parked", "discard", "--reason", "a fault run parked it on purpose")
    for service in contracts.SERVICES:
        rig.sql(service, "DELETE FROM inbox WHERE state = 'discarded'")


def _conclude(trial: Trial) -> None:
    rig, result = trial.rig, trial.result
    healing = time.monotonic()
    try:
        rig.heal()
        result.parked += count_parked(rig)
        if trial.discards_parked:
            _discard(rig)
        rig.suite.quiesce(timeout=180)
        result.recovery = max(result.recovery, time.monotonic() - healing)
        for work in trial.works:
            reckon(rig, result, work)
        count_doubled(rig, result)
        audit(rig, result, [Path(work.history.path) for work in trial.works])
    except Exception as error:
        result.violations.append(f"after healing: {type(error).__name__}: {error}"[:2000])
    result.killed = sum("SIGKILL" in line for line in rig.deaths)
    others = [line for line in rig.deaths if "SIGKILL" not in line]
    result.expect(not others, f"processes ended by themselves: {others[:3]}")
