"""Jobs run, and are shown, with rights that are still held."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from crm_contacts.service import CrmContacts
from shared.jobs import imports
from shared.kernel.refusals import Forbidden, NotFound
from shared.schema.derived.job_contract import OVERSEER
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


READ, WRITE = "contacts.contacts:read", "contacts.contacts:write"
ADA, BOB = str(uuid4()), str(uuid4())
A, B = uuid4(), uuid4()


def _export(book: Harness, **given: Any) -> Any:
    asked = {"format": "csv", "query": {}}
    return book.call("export_contacts", body=asked, actor=ADA, **given)


@pytest.mark.parametrize(
    ("began", "now", "shown"),
    [
        ({"permissions": (READ,)}, {"permissions": (READ,)}, True),
        ({"permissions": ("*",)}, {"permissions": (READ,)}, True),
        ({"permissions": (READ,)}, {"permissions": ("sales.orders:read",)}, False),
        ({"permissions": (READ,)}, {"permissions": (f"{READ}@own",)}, False),
        ({"permissions": (f"{READ}@own",)}, {"permissions": (f"{READ}@own",)}, True),
        ({"permissions": (f"{READ}@team",), "team": (UUID(BOB),)}, {"permissions": (f"{READ}@team",)}, False),
        ({"permissions": (READ,)}, {"permissions": (READ,), "companies": (A,)}, False),
        ({"permissions": (READ,), "companies": (A, B)}, {"permissions": (READ,), "companies": (A,)}, False),
        ({"permissions": (READ,), "companies": (A,)}, {"permissions": (READ,), "companies": (A, B)}, True),
    ],
)
def test_what_was_produced_with_rights_is_read_with_rights(book: Harness, began: Any, now: Any, shown: bool) -> None:
    """A5. Operation, reach and companies, whoever asks for the same user: a key of few scopes, or with lost rights."""
    job = _export(book, **began)
    assert book.jobs.run_one()
    for other in ({}, {"permissions": (*now["permissions"], "system.jobs:read"), "actor": BOB}):
        caller = {"actor": ADA, **now, **other}
        reached = shown and not (other and "@own" in str(now))
        assert [j["id"] for j in book.call("list_jobs", query={}, **caller)["data"]] == ([job["id"]] if reached else [])
        for operation in ("get_job", "read_job_result", "list_job_errors"):
            given: dict[str, Any] = {} if operation == "get_job" else {"query": {}}
            if reached:
                book.call(operation, id=job["id"], **given, **caller)
            else:
                with pytest.raises(NotFound):
                    book.call(operation, id=job["id"], **given, **caller)


def test_a_key_cancels_and_undoes_what_it_may_import(book: Harness) -> None:
    """A5."""
    key: dict[str, Any] = {"actor": ADA, "api_key": uuid4(), "permissions": (WRITE,)}
    other: dict[str, Any] = {**key, "permissions": (READ,)}
    jobs = []
    for name in ("A", "B"):
        query, file = book.upload(f"kind,name\norganization,{name}\n".encode(), **key)
        jobs.append(book.call("import_contacts", query=query, body={"file": file}, **key))
        if name == "A":
            book.jobs.run_one()
    for operation, job in (("undo_job", jobs[0]), ("cancel_job", jobs[1])):
        with pytest.raises(NotFound):
            book.call(operation, id=job["id"], **other)
        book.call(operation, id=job["id"], **key)
