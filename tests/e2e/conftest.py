"""One running suite for all of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import servers as local
from tests.flows.shop import Shop
from tests.suite import Suite


@pytest.fixture(scope="session")
def suite(pair: local.Servers, own_root: Path) -> Iterator[Suite]:
    started = Suite(pair, own_root / "e2e", "e2e", together=True).start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def shop(suite: Suite) -> Shop:
    return Shop(suite)
