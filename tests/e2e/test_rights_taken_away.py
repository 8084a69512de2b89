"""A1. Rights that are taken away are gone within five seconds: every way to take them × with and without the company in a
header × every channel. All are taken at once and watched together; each combination is one test of what was measured."""

from collections.abc import Iterator

import pytest

from tests.rights_taken import CHANNELS, SECONDS, UNTOLD, WAYS, World, everybody, take_all
from tests.suite import Suite


@pytest.fixture(scope="module")
def taken(running: Suite) -> Iterator[World]:
    """Everybody has everything; then all rights are taken at once, and what goes on is watched."""
    with everybody(running) as world:
        take_all(world)
        yield world


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("header", [False, True], ids=["without header", "with header"])
@pytest.mark.parametrize("way", WAYS)
def test_rights_taken_away_are_gone_within_five_seconds(taken: World, way: str, header: bool, channel: str) -> None:
    """A1. Also the broker's account of a subscription."""
    found = taken.gone.get((way, header, channel))
    if (way, channel) in UNTOLD:
        assert found is None, "what is seen by another right goes on"
        return
    assert found is not None and found <= SECONDS, taken.gone
    if channel == "amqp":
        victim = next(v for v in taken.victims if v.name == (way, header))
        assert not taken.lets_in(victim)
