"""A seeded slice of the fuzz run, bounded by the number of cases: a faster machine asks the same. `make fuzz` asks more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import servers as local
from tests.conftest import QUICK_RETRIES
from tests.fuzz.run import GATEWAY, fuzz, stocked
from tests.suite import Suite

SEED = 7
BOUNDS = ("--max-examples", "1", "--phases")
"""One case of each kind per operation and phase: about a thousand for the administrator, four hundred for others."""


@pytest.fixture(scope="module")
def suite(pair: local.Servers, own_root: Path) -> Iterator[Suite]:
    started = Suite(pair, own_root / "fuzz", "fuzz", env=QUICK_RETRIES, together=True, gateway_env=GATEWAY).start()
    yield stocked(started)
    started.stop()


@pytest.mark.parametrize(
    ("role", "phases"),
    [("admin", "examples,fuzzing"), ("sales", "fuzzing"), ("accountant", "fuzzing"), ("auditor", "fuzzing")],
)
def test_the_document_is_true(suite: Suite, role: str, phases: str) -> None:
    """No 5xx, nothing undocumented, good input accepted, bad input refused; then everything still agrees."""
    outcome = fuzz(suite, SEED, role, *BOUNDS, phases)
    assert outcome.well, outcome.report
    suite.quiesce()
    suite.audit()
