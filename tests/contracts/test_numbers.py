"""The number of an event type is given once: clients and databases hold ids that carry it."""

import pytest

from shared.kernel import ids
from tests.contracts import numbers


def test_no_number_changes_its_meaning() -> None:
    assert numbers.conflicts(numbers.released(), numbers.declared()) == []
    assert numbers.declared().items() <= numbers.released().items(), "run `make contracts`"


def test_a_number_that_was_released_is_seen_when_it_is_used_again() -> None:
    before = {"a.v1": 1, "gone.v1": 2}
    assert numbers.conflicts(before, {"a.v1": 1, "b.v1": 3}) == []
    assert numbers.conflicts(before, {"a.v1": 3}) == ["a.v1"]
    assert numbers.conflicts(before, {"b.v1": 2}) == ["b.v1"]


def test_two_types_with_one_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "ASSIGNED", {"a.v1": 1})
    ids.assign("a.v1", 1)
    for name, number in (("b.v1", 1), ("a.v1", 2), ("b.v1", 0), ("b.v1", 0x1000)):
        with pytest.raises(TypeError, match=name):
            ids.assign(name, number)
    assert ids.ASSIGNED == {"a.v1": 1}
