"""A short, seeded slice of the fault runs. `make faults` runs all of them for longer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import servers as local
from tests.conftest import POSTGRES_FOR_TESTS
from tests.faults.gates import collect, run_gate
from tests.faults.rig import Rig

SLICE = (1, 2, 4, 8, 13, 22, 23, 42, 53, 55)
SEED = 7


@pytest.fixture(scope="module")
def rig(own_root: Path) -> Iterator[Rig]:
    """Two replicas of every service on servers of their own: those are broken, too."""
    servers = local.start(own_root / "faults", POSTGRES_FOR_TESTS)
    try:
        started = Rig(servers, own_root / "faults-suite", "slice", SEED, short=True).start()
        yield started
        started.stop()
    finally:
        servers.stop()


@pytest.mark.parametrize("number", SLICE, ids=lambda n: f"row_{n}")
def test_gate(rig: Rig, number: int) -> None:
    """Nothing lost, nothing doubled, the books balance, no process ends by itself, the audit is clean."""
    assert number in collect()
    result = run_gate(rig, number)
    print(result.line)
    assert not result.violations, "\n".join(result.violations)
    assert (result.lost, result.doubled, result.unbalanced) == (0, 0, 0)


def test_all_promised_rows_are_gates() -> None:
    promised = {1, 2, 3, 4, 6, 7, 8, 12, 13, 17, 20, 21, 22, 23, 24, 28, 30, 31, 32, 34, 39, 41, 42, 48, 49, 53, 54, 55}
    promised |= {60, *range(101, 108), 109, 110, 111}
    assert promised <= collect().keys()
