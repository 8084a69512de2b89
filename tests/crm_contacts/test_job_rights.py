"""Jobs run, and are shown, with rights that are still held."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from crm_contacts.service import CrmContacts
from shared.jobs import imports
from shared.jobs.contract import OVERSEER
from shared.refusals import Forbidden
from tests.harness import Harness


@pytest.fixture
def book(service: Callable[[type], Harness]) -> Harness:
    return service(CrmContacts)


def _count(book: Harness, table: str) -> int:
    with book.session() as session:
        found: int = session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    return found


def test_a_job_that_lost_its_rights_ends_with_the_batch_under_way(
    book: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A1. What was committed stays; the batch under way is rolled back, and nobody takes the job again."""
    monkeypatch.setattr(imports, "SET_WISE", 2)
    content = "kind,name\n" + "".join(f"organization,N{n}\n" for n in range(7))
    query, file = book.upload(content.encode())
    job = book.call("import_contacts", query=query, body={"file": file})
    (under_way,) = book.call("jobs_under_way")["data"]
    assert (under_way["id"], under_way["actor"], under_way["permissions"]) == (job["id"], "tester", ["*"])
    write = imports._Import._write

    def loses_its_rights_in_the_second(self: Any, session: Any, rows: Any) -> Any:
        if rows[0].number == 4:
            book.call("end_job", id=job["id"], permissions=(OVERSEER,))
        return write(self, session, rows)

    monkeypatch.setattr(imports._Import, "_write", loses_its_rights_in_the_second)
    book.jobs.run_one()
    ended = book.call("get_job", id=job["id"], language="fr")
    assert (ended["status"], ended["failure"]["code"], ended["progress"]["done"]) == ("failed", "rights_taken_away", 2)
    assert "begin it again" in book.call("get_job", id=job["id"])["failure"]["message"]
    assert _count(book, "contact") == 2 and not book.jobs.run_one()
    assert book.call("jobs_under_way")["data"] == []
    with pytest.raises(Forbidden):
        book.call("end_job", id=job["id"], permissions=("contacts.*:*",))
