"""I7 and I8: what clients were told against what happened."""

import json
from typing import Any

import pytest

from deploy.auditor.history import Command, read
from tests.auditor.conftest import Audit, Good

_PLACED = "SELECT request_id, object_id FROM audit WHERE action = 'crm_sales.place_order' ORDER BY at LIMIT 2"
NOTHING = "SELECT 1"


def attempt(outcome: str, key: str = "k1", **more: Any) -> str:
    line = {"service": "crm_sales", "op": "place_order", "key": key, "outcome": outcome, "status": None, **more}
    return json.dumps(line)


def told(corrupted: Audit, *lines: str, statement: str = NOTHING) -> tuple[list[str], list[str]]:
    """The sentences of I7 and I8 after a history."""
    results = corrupted("crm_sales", statement, history=read(lines), only=("I7", "I8"))
    return [v.sentence for v in results["I7"].violations], [v.sentence for v in results["I8"].violations]


@pytest.fixture
def placed(good: Good) -> list[tuple[str, str]]:
    """(request id, order id) of two orders that were placed."""
    with good.opened() as connections:
        cursor = connections["crm_sales"].cursor()
        cursor.execute(_PLACED)
        return [(str(request), str(order)) for request, order in cursor.fetchall()]


def test_true_answers(corrupted: Audit, placed: list[tuple[str, str]]) -> None:
    (request, order), (other, _) = placed
    assert told(
        corrupted,
        attempt("unknown", request_id="gone"),
        attempt("ok", request_id=request, id=order),
        attempt("refused", request_id=request, id=order),
        attempt("unknown", key="k2", request_id=other),
        attempt("unknown", key="k3", request_id="never-arrived"),
        attempt("refused", key="k4", request_id="refused"),
        attempt("ok", key="k5", id=order),
    ) == ([], [])


def test_success_without_effect(corrupted: Audit) -> None:
    (sentence,), _ = told(corrupted, attempt("ok", request_id="never-arrived"))
    assert "answered with success and had no effect" in sentence


def test_an_effect_that_was_refused(corrupted: Audit, placed: list[tuple[str, str]]) -> None:
    (sentence,), _ = told(corrupted, attempt("refused", request_id=placed[0][0]))
    assert "was refused and took effect 1 times" in sentence


def test_two_effects_of_one_operation(corrupted: Audit, placed: list[tuple[str, str]]) -> None:
    """A repetition that was carried out again: on two orders at that."""
    (request, order), (other, _) = placed
    (twice,), (different,) = told(corrupted, attempt("unknown", request_id=request), attempt("ok", request_id=other))
    assert "took effect 2 times" in twice
    assert "stands for 2 different things" in different and order in different


def test_attempts_of_one_operation_are_one_command() -> None:
    lines = [attempt("refused", request_id="a"), "", attempt("unknown", request_id="b", id="AB-1")]
    assert read(lines) == [Command("crm_sales", "place_order", "k1", "unknown", {"a", "b"}, {"ab-1"})]


@pytest.mark.parametrize("line", ["{", "[]", '{"service": "crm_sales", "op": "x", "key": "k"}', attempt("maybe")])
def test_a_history_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="line 2 of the history"):
        read([attempt("ok"), line])
