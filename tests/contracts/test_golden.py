"""Today's code reads every event that was ever released."""

import json
from pathlib import Path

import pytest

from shared import contracts
from shared.kernel import generated
from shared.schema import envelope
from tests.contracts import consumers, refusals
from tests.contracts.golden import SAMPLES, file_of

contracts.events()
FILES = sorted(SAMPLES.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_reads_as_it_was_written(file: Path) -> None:
    """A renamed, retyped or removed field, or one added without a default, shows here."""
    raw = json.loads(file.read_text(encoding="utf-8"))
    read = envelope.read(json.dumps(raw).encode())
    assert file.stem == f"{read.event.type}.v{read.event.version}"
    today = read.event.to_data()
    assert {name: today[name] for name in raw["data"]} == raw["data"]


def test_every_declared_event_has_a_sample() -> None:
    """`python -m tests.contracts.golden` writes it."""
    declared = {file_of(e).name for e in contracts.events().values() if e.service in contracts.SERVICES}
    assert declared == {file.name for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_additions_of_a_newer_producer_are_ignored(file: Path) -> None:
    raw = json.loads(file.read_text(encoding="utf-8"))
    newer = {**raw, "colour": "red", "data": {**raw["data"], "colour": {"name": "red"}}}
    assert envelope.read(json.dumps(newer).encode()).event == envelope.read(json.dumps(raw).encode()).event


def test_the_list_of_consumers_is_up_to_date() -> None:
    """`make contracts` writes it anew."""
    assert generated.read(consumers.FOLDER) == consumers.current()


def test_the_list_of_refusals_is_up_to_date() -> None:
    """`make contracts` writes it anew."""
    assert generated.read(refusals.FOLDER) == refusals.current()
