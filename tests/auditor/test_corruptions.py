"""The auditor is tested by corrupting good data: each corruption is noticed, by exactly the invariants that it breaks."""

from typing import Any

import pytest

from deploy.auditor.catalogue import TITLES
from erp_finance import chain
from tests.auditor.conftest import Audit, Good
from tests.auditor.corruptions import ALL, BOOKS, Corruption


def noticed(results: dict[str, Any]) -> set[str]:
    return {name for name, found in results.items() if found.violations}


@pytest.mark.parametrize("corruption", ALL, ids=lambda c: c.story)
def test_corruptions_are_noticed(corruption: Corruption, corrupted: Audit) -> None:
    results = corrupted(corruption.service, *corruption.statements)
    said = [v.sentence for found in results.values() for v in found.violations]
    assert noticed(results) == corruption.expected, said
    assert any(v.ids for found in results.values() for v in found.violations), "a violation names what is wrong"


def test_every_invariant_is_broken_by_some_corruption() -> None:
    """I7 needs a history and has its own tests."""
    assert {name for corruption in ALL for name in corruption.expected} == set(TITLES) - {"I7"}


def test_most_corruptions_are_noticed_by_one_invariant_alone() -> None:
    """Otherwise a violation would say that something is wrong, but not what."""
    alone = {next(iter(c.expected)) for c in ALL if len(c.expected) == 1}
    assert alone == set(TITLES) - {"I7"}


_ENTRY = "SELECT * FROM journal_entry WHERE journal = 'BQ' ORDER BY seq DESC LIMIT 1"
_LINES = "SELECT * FROM journal_line WHERE entry_id = %s ORDER BY position"


def test_an_edited_entry_that_was_hashed_anew_contradicts_the_anchor(good: Good) -> None:
    """The forger knows how hashes are made, edits the last entry, and repairs hash and head."""
    with good.opened() as connections:
        cursor = connections[BOOKS].cursor()
        entry = _row(cursor, _ENTRY)
        cursor.execute("UPDATE journal_line SET label = 'Règlement forgé' WHERE entry_id = %s", (entry["id"],))
        cursor.execute(_LINES, (entry["id"],))
        lines = [dict(zip([c.name for c in cursor.description], row, strict=True)) for row in cursor.fetchall()]
        forged = chain.entry_hash(entry["prev_hash"], {**entry, "lines": lines})
        cursor.execute("UPDATE journal_entry SET hash = %s WHERE id = %s", (forged, entry["id"]))
        cursor.execute("UPDATE ledger_head SET hash = %s WHERE journal = 'BQ'", (forged,))
        results = good.audit(connections)
        assert noticed(results) == {"I31"}
        assert ["noted at" in v.sentence for v in results["I31"].violations] == [True]

        cursor.execute("DELETE FROM ledger_anchor")
        assert noticed(good.audit(connections)) == set(), "without the note, the forgery would be perfect"


def _row(cursor: Any, statement: str) -> dict[str, Any]:
    cursor.execute(statement)
    return dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
