"""The program around the invariants: exit codes, grace time, selection, joins."""

import json
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from deploy.auditor.__main__ import main
from deploy.auditor.databases import opened
from deploy.auditor.joins import joined, merged
from tests.auditor.conftest import Audit, Good

UNSENT = "UPDATE outbox SET state = 'new', created_at = now() WHERE event_id = (SELECT event_id FROM outbox ORDER BY id LIMIT 1)"


@pytest.fixture
def urls(good: Good, tmp_path: Path) -> Path:
    file = tmp_path / "urls.json"
    file.write_text(json.dumps({service: each.auditor for service, each in good.bus.urls.items()}))
    return file


@pytest.fixture
def bindings(good: Good, tmp_path: Path) -> Path:
    file = tmp_path / "bindings.json"
    file.write_text(json.dumps(good.bus.bindings))
    return file


def test_violations_end_with_1(urls: Path, good: Good, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A consumer that nobody ever delivered to."""
    bindings = good.bus.bindings | {"crm_contacts": {"note_order": ["liaison.crm_sales.order.placed.v1"]}}
    file = tmp_path / "bindings.json"
    file.write_text(json.dumps(bindings))
    arguments = ["--urls", str(urls), "--bindings", str(file)]
    assert main([*arguments, "--grace", "0", "--only", "i1"]) == 1
    said = capsys.readouterr().out
    assert "I1 " in said and "order.placed.v1 never reached crm_contacts.note_order" in said and "I2 " not in said
    assert main([*arguments, "--only", "I2,I3"]) == 0
    assert main([*arguments, "--since", "2999-01-01T00:00:00Z", "--only", "I1"]) == 0
    assert main([*arguments, "--grace", "86400"]) == 0, "everything is younger than a day, so it is pending"
    assert "pending." in capsys.readouterr().out


@pytest.mark.parametrize("content", ["{", "{}", '{"crm_sales": "postgresql://nobody@127.0.0.1:1/none"}'])
def test_no_verdict_ends_with_2(
    content: str, bindings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.json"
    file.write_text(content)
    if "crm_sales" in content:
        bindings.write_text('{"crm_sales": {}}')
    assert main(["--urls", str(file), "--bindings", str(bindings)]) == 2
    assert "could not run" in capsys.readouterr().err


def test_the_auditor_cannot_write(good: Good) -> None:
    with opened({name: each.auditor for name, each in good.bus.urls.items()}) as (databases,):
        with pytest.raises(psycopg2.Error):
            databases.execute("erp_finance", "UPDATE invoice SET residual = 0")


def test_young_violations_are_pending(corrupted: Audit) -> None:
    waiting = corrupted("erp_finance", UNSENT, grace=60, only=("I4",))["I4"]
    assert (waiting.broken, waiting.pending) == (0, 1)
    overdue = corrupted("erp_finance", UNSENT, grace=-60, only=("I4",))["I4"]
    assert (overdue.broken, overdue.pending) == (1, 0)


def test_joins_of_sorted_streams() -> None:
    left: list[tuple[Any, ...]] = [("a", 1), ("b", 2), ("b", 3), ("d", 4)]
    right: list[tuple[Any, ...]] = [("b", 5), ("c", 6), ("d", 7), ("d", 8)]
    assert list(joined(left, right)) == [
        ([("a", 1)], []),
        ([("b", 2), ("b", 3)], [("b", 5)]),
        ([], [("c", 6)]),
        ([("d", 4)], [("d", 7), ("d", 8)]),
    ]
    assert [row[1] for row in merged(left, right)] == [1, 2, 3, 5, 6, 4, 7, 8]
    assert list(joined([], [])) == []


def test_a_check_that_cannot_run_ends_the_audit(corrupted: Audit) -> None:
    """No verdict without all checks, and nobody waits for a connection that will never be free."""
    with pytest.raises(psycopg2.Error):
        corrupted("erp_finance", "ALTER TABLE period RENAME TO another_name")
