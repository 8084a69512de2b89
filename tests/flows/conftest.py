"""Each story runs in the chosen weathers, on the real bus, through the gateway; afterwards the auditor looks at everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import servers as local
from tests import weathers
from tests.conftest import QUICK_RETRIES
from tests.flows.shop import Shop
from tests.suite import Suite


@pytest.fixture(scope="session", params=weathers.chosen())
def suite(request: pytest.FixtureRequest, pair: local.Servers, own_root: Path) -> Iterator[Suite]:
    """A running suite in one weather; pytest runs all stories of one weather before the next."""
    name: str = request.param
    started = Suite(
        pair, own_root / name, name, env={**QUICK_RETRIES, **weathers.WEATHERS[name]}, together=True
    ).start()
    yield started
    started.stop()


@pytest.fixture
def shop(suite: Suite) -> Iterator[Shop]:
    """A shop of our own in the running suite: its own products and customers."""
    opened = Shop(suite)
    yield opened
    suite.quiesce()
    suite.audit()
