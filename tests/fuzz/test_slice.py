"""A short, seeded slice of the fuzz run. `make fuzz` goes on for longer and as every role."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import servers as local
from tests.conftest import QUICK_RETRIES
from tests.fuzz.run import fuzz, stocked
from tests.suite import UNLIMITED, Suite

SEED = 7


@pytest.fixture(scope="module")
def suite(pair: local.Servers, own_root: Path) -> Iterator[Suite]:
    started = Suite(pair, own_root / "fuzz", "fuzz", env=QUICK_RETRIES, together=True, gateway_env=UNLIMITED).start()
    yield stocked(started)
    started.stop()


@pytest.mark.parametrize(("role", "seconds"), [("admin", 60), ("auditor", 10)])
def test_the_document_is_true(suite: Suite, role: str, seconds: int) -> None:
    """No 5xx, nothing undocumented, good input accepted, bad input refused; then everything still agrees."""
    outcome = fuzz(suite, seconds, SEED, role)
    assert outcome.well, outcome.report
    suite.quiesce()
    suite.audit()
