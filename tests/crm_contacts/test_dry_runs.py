"""B4: a dry run finds what the run finds."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from crm_contacts.service import CrmContacts
from shared.jobs import imports, storage
from tests.harness import Harness


@pytest.fixture
def book(service: Callable[[type], Harness]) -> Harness:
    return service(CrmContacts)


def _count(book: Harness, table: str) -> int:
    with book.session() as session:
        found: int = session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_dry_run_finds_what_the_run_finds(book: Harness, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """B4: whatever rows of other batches have taken. A row that is refused takes nothing."""
    monkeypatch.setattr(imports, "SET_WISE", size)
    book.call("create_contact", body={"kind": "organization", "name": "Old", "external_ids": {"shop": "0"}})
    file = (
        "name,email,siren,external_ids.shop,external_ids.web\n"
        "A,a@x.fr,732829320,1,\n"
        "B,,,2,\n"
        "Again 1,,,1,9\n"
        "Takes 9,,,,9\n"
        "Again 9,A@X.fr,,,9\n"
        "Warned,A@X.fr,732 829 320,,\n"
        "Old again,,,0,\n"
        "Again 2,,,2,1\n"
        "Last,b@x.fr,,3,1\n"
    )
    found = []
    for dry in (True, True, False):
        job = book.imported("import_contacts", file.encode(), dry_run=dry)
        assert job["status"] == "succeeded", job["failure"]
        told = [(e["row"], e["field"], e["code"], e["level"], e["cell"]) for e in job["errors"]]
        found.append(([job["result"][name] for name in imports.COUNTS], told))
    assert found[0] == found[1] == found[2]
    assert found[0][0] == [5, 0, 0, 4]
    assert [(row, code) for row, _, code, level, _ in found[0][1] if level == "warning"] == [
        (7, "possible_duplicate"), (7, "possible_duplicate"),
    ]  # fmt: skip
    assert _count(book, "contact") == 6


def test_what_a_dry_run_would_have_taken_is_forgotten(book: Harness) -> None:
    book.imported("import_contacts", b"name,external_ids.shop\nA,1\n", dry_run=True)
    assert _count(book, "job_claim") > 0
    with book.session() as session:
        storage.sweep(session)
        session.commit()
    assert _count(book, "job_claim") == 0
