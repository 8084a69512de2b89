"""B4: people of a file belong to companies of the same file, or to those that exist."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from sqlalchemy import text

from crm_contacts.service import CrmContacts
from shared.jobs import imports
from tests.harness import Harness

FILE = """First name;Last name;Company;parent.external_ids.erp;external_ids.erp;SIREN
Ada;Lovelace;Lumen;;p1;
Grace;Hopper;;c2;p2;
;;Lumen;;c1;732829320
;;Lux;;c2;
Marie;Curie;Kept;;p3;
Alan;Turing;Nobody;;p4;
Emmy;Noether;Twice;;p5;
;;Twice;;c3;
;;Twice;;c4;
Mary;Shelley;;kept;p6;
Lise;Meitner;Lumen;;c1;
No;Body;;;p7;
"""


@pytest.fixture
def book(service: Callable[[type], Harness]) -> Harness:
    return service(CrmContacts)


def _parents(book: Harness) -> dict[str, Any]:
    every = book.call("list_contacts", query={"limit": "200"})["data"]
    names = {c["id"]: c["name"] for c in every}
    return {c["name"]: names.get(c["parent_id"]) for c in every}


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_people_are_linked_to_companies(book: Harness, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Wherever the companies stand in the file, in a dry run as well; none or several of the name are an error."""
    monkeypatch.setattr(imports, "SET_WISE", size)
    kept = {"kind": "organization", "external_ids": {"erp": "kept"}}
    book.call("create_contact", body={**kept, "name": "Kept"})
    book.call("create_contact", body={"kind": "organization", "name": "Lumen", "external_ids": {"erp": "other"}})
    found = []
    for dry in (True, False):
        job = book.imported("import_contacts", FILE.encode(), dry_run=dry)
        assert job["status"] == "succeeded" and job["progress"] == {"done": 12, "total": 12}, job
        told = sorted((e["row"], e["column"], e["code"], e["cell"]) for e in job["errors"])
        found.append(([job["result"][name] for name in imports.COUNTS], told))
    assert (
        found[0]
        == found[1]
        == (
            [9, 0, 0, 3],
            [
                (7, "Company", "not_found", "Nobody"),
                (8, "Company", "ambiguous", "Twice"),
                (12, "external_ids.erp", "duplicate", "c1"),
            ],
        )
    )
    parents = _parents(book)
    assert {n: parents[n] for n in ("Ada Lovelace", "Grace Hopper", "Marie Curie", "Mary Shelley", "No Body")} == {
        "Ada Lovelace": "Lumen", "Grace Hopper": "Lux", "Marie Curie": "Kept", "Mary Shelley": "Kept", "No Body": None,
    }  # fmt: skip
    (ada,) = book.call("list_contacts", query={"name": "Ada Lovelace"})["data"]
    assert book.call("get_contact", id=ada["parent_id"])["siren"] == "732829320", "that of the file comes first"


def test_companies_are_linked_in_the_order_of_the_file(book: Harness) -> None:
    file = (
        "kind,name,last_name,parent.name\n"
        "person,,Ada,Workshop\n"
        "organization,Early,,Plant\n"
        "organization,Plant,,Holding\n"
        "organization,Workshop,,Plant\n"
        "organization,Holding,,\n"
    )
    for dry in (True, False):
        job = book.imported("import_contacts", file.encode(), dry_run=dry)
        assert [(e["row"], e["code"]) for e in job["errors"]] == [(3, "not_found")], job
        assert job["result"]["created"] == 4
    assert _parents(book) == {"Ada": "Workshop", "Workshop": "Plant", "Plant": "Holding", "Holding": None}


def test_links_are_changed_by_a_later_file(book: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "SET_WISE", 1)
    head = "external_ids.erp,First name,Last name,Company\n"
    book.imported("import_contacts", (head + "1,Ada,Lovelace,\n2,,,Lumen\n").encode())
    for row, count in (("1,Ada,Lovelace,Lux\n3,,,Lux\n", "updated"), ("1,Ada,Lovelace,Lux\n", "skipped")):
        for dry in (True, False):
            job = book.imported("import_contacts", (head + row).encode(), match_on="external_ids.erp", dry_run=dry)
            assert (job["result"][count], job["errors"]) == (1, []), (dry, job)
    assert _parents(book)["Ada Lovelace"] == "Lux"


def test_a_link_that_says_nothing_is_an_error(book: Harness) -> None:
    file = b"last_name,parent.external_ids\nAda,{}\nGrace,nonsense\n"
    job = book.imported("import_contacts", file)
    assert [(e["row"], e["column"], e["code"]) for e in sorted(job["errors"], key=lambda e: e["row"])] == [
        (2, "parent.external_ids", "not_found"),
        (3, "parent.external_ids", "invalid"),
    ]


def test_a_pass_that_was_not_committed_is_taken_up(book: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever batch of whichever pass it was: nothing is lost, nothing done twice."""
    monkeypatch.setattr(imports, "SET_WISE", 1)
    file = b"first_name,last_name,company\nAda,L,Lumen\nAlan,T,Lumen\n,,Lumen\n,,Lux\nMarie,C,Lux\n"
    query, facts = book.upload(file)
    job = book.call("import_contacts", query=query, body={"file": facts})
    write, written = imports._Import._write, list[int]()

    def fails_every_second_time(self: Any, session: Any, rows: Any) -> Any:
        written.append(rows[0].number)
        if len(written) % 2:
            raise KeyboardInterrupt  # nothing catches it: as sudden as a kill
        return write(self, session, rows)

    monkeypatch.setattr(imports._Import, "_write", fails_every_second_time)
    for n in range(6):
        with pytest.raises(KeyboardInterrupt) if n < 5 else nullcontext():
            type(book.jobs)(book.service, book.name, book.engine, book.operations).run_one()
        with book.session() as session:
            session.execute(text("UPDATE job SET leased_until = now() - interval '1 s' WHERE leased_until IS NOT NULL"))
            session.commit()
    done = book.call("get_job", id=job["id"])
    assert (done["status"], done["result"]["created"], done["progress"]["done"]) == ("succeeded", 5, 5), done
    assert written == [4, 4, 5, 5, 2, 2, 3, 3, 6, 6]
    assert _parents(book) == {"Ada L": "Lumen", "Alan T": "Lumen", "Marie C": "Lux", "Lumen": None, "Lux": None}
