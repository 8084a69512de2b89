"""Contacts come from files, as people have them, and go out again."""

import csv
import io
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from crm_contacts.service import CrmContacts
from shared.contracts.crm_contacts import ContactCreated, ContactDeleted, ContactUpdated
from shared.jobs import imports, runner, storage
from shared.kernel.refusals import Conflict, Invalid, NotFound
from tests.harness import Harness

FRENCH = """Nature;Nom;E-mail;Téléphone;Ville;Rôle;SIREN;external_ids.shop;Remarque
organization;Éclairage Müller;accueil@muller.fr;01 23 45 67 89;Paris;customer;732829320;L-1;à voir
person;Lovelace;ada@lovelace.fr;;;;;L-2;
organization;Sans siren;;;;;123456789;L-3;
organization;Encore L-1;;;;;;L-1;
"""
DEFAULTS = {"addresses.0.type": "billing"}


@pytest.fixture
def book(service: Callable[[type], Harness]) -> Harness:
    return service(CrmContacts)


def _count(book: Harness, table: str) -> int:
    with book.session() as session:
        found: int = session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    return found


def _everything(book: Harness) -> list[Any]:
    with book.session() as session:
        tables = ("contact", "contact_point", "contact_external_id")
        shown = "to_jsonb(t) - 'version' - 'created_at' - 'updated_at'"
        return [list(session.scalars(text(f"SELECT {shown} FROM {t} AS t ORDER BY 1"))) for t in tables]


def test_a_french_file_in_cp1252_is_taken_and_its_errors_are_told(book: Harness) -> None:
    job = book.imported("import_contacts", FRENCH.encode("cp1252"), defaults=DEFAULTS)
    assert job["status"] == "succeeded" and job["progress"] == {"done": 4, "total": 4}
    assert {name: job["result"][name] for name in imports.COUNTS} == {
        "created": 1, "updated": 0, "skipped": 0, "failed": 3,
    }  # fmt: skip
    assert job["result"]["ignored_columns"] == ["Remarque"]
    told = [(e["row"], e["column"], e["code"], e["level"]) for e in job["errors"]]
    assert told == [
        (3, "Nom", "not_for_this_kind", "error"),
        (4, "SIREN", "invalid_siren", "error"),
        (5, "external_ids.shop", "duplicate", "error"),
    ]
    assert book.call("get_job", id=job["id"], language="fr")["errors"][1]["message"] == "Ce SIREN n'est pas valide."
    (made,) = book.call("list_contacts", query={})["data"]
    assert (made["name"], made["phones"][0]["value"], made["roles"]) == (
        "Éclairage Müller",
        "+33123456789",
        ["customer"],
    )
    assert (made["addresses"][0]["town"], made["addresses"][0]["type"]) == ("Paris", "billing")
    (event,) = book.published()
    assert isinstance(event, ContactCreated) and event.siren == "732829320"
    (entry,) = book.call("history_of_contacts", id=made["id"], query={})["data"]
    assert (entry["action"], entry["effect"], entry["actor"]) == ("import_contacts", "created", "tester")
    book.call("create_contact", body={"kind": "organization", "name": "By hand"})
    with book.session() as session:
        assert list(session.scalars(text("SELECT bulk FROM outbox ORDER BY id"))) == [True, False]


def test_rows_that_exist_are_changed_and_an_undo_puts_everything_back(book: Harness) -> None:
    old = {"kind": "organization", "name": "Lumen", "emails": [{"value": "Info@lumen.fr"}], "lifecycle_stage": "lead"}
    lumen = book.call("create_contact", body=old)
    before = _everything(book)
    book.published()
    file = (
        "kind,name,email,lifecycle_stage,roles\n"
        "organization,Lumen SA,INFO@lumen.FR,customer,customer\n"
        "organization,Neu,neu@neu.de,,supplier\n"
        "organization,Neu 2,neu@neu.de,,\n"
    )
    job = book.imported("import_contacts", file.encode(), match_on="email")
    assert (job["result"]["created"], job["result"]["updated"], job["result"]["failed"]) == (1, 1, 1)
    assert [(e["row"], e["code"]) for e in job["errors"]] == [(4, "duplicate")]
    changed = book.call("get_contact", id=lumen["id"])
    assert (changed["name"], changed["lifecycle_stage"], changed["version"]) == ("Lumen SA", "customer", 2)
    undo = book.finished(book.call("undo_job", id=job["id"]))
    assert (undo["status"], undo["undoes"]) == ("succeeded", job["id"])
    assert (undo["result"]["deleted"], undo["result"]["restored"], undo["result"]["kept"]) == (1, 1, 0)
    assert _everything(book) == before
    assert {type(e) for e in book.published()} == {ContactCreated, ContactUpdated, ContactDeleted}
    assert book.call("get_job", id=job["id"])["undone_by"] == undo["id"]
    with pytest.raises(Conflict):
        book.call("undo_job", id=job["id"])


def test_an_undo_leaves_what_was_changed_since(book: Harness) -> None:
    job = book.imported("import_contacts", b"kind,name\norganization,A\norganization,B\n")
    a, b = sorted(book.call("list_contacts", query={})["data"], key=lambda c: str(c["name"]))
    book.call("update_contact", id=a["id"], if_match=1, body={"language": "en"})
    undo = book.finished(book.call("undo_job", id=job["id"]))
    assert (undo["result"]["deleted"], undo["result"]["kept"]) == (1, 1)
    assert [(e["row"], e["code"]) for e in undo["errors"]] == [(2, "changed_since")]
    assert book.call("get_contact", id=a["id"])["language"] == "en"
    with pytest.raises(NotFound):
        book.call("get_contact", id=b["id"])


def test_an_identical_row_is_skipped_and_tells_nobody(book: Harness) -> None:
    """B4: also where the file says the same with other words, and where it names an id."""
    file = (
        "id,kind,name,email,roles,external_ids.shop\n"
        "01900000-0000-7000-8000-00000000000a,organization,Lumen,Info@LUMEN.fr,customer,7\n"
    )
    assert book.imported("import_contacts", file.encode())["result"]["created"] == 1
    book.published()
    for options in ({}, {"match_on": "external_ids.shop"}, {"match_on": "email"}, {"match_on": "id"}):
        job = book.imported("import_contacts", file.encode(), **options)
        counts = [job["result"][name] for name in imports.COUNTS]
        assert (counts, job["errors"]) == ([0, 0, 1, 0], []), (options, job)
    assert book.published() == []
    other = book.imported("import_contacts", file.replace("Lumen", "Lux").encode())
    assert [(e["row"], e["code"]) for e in other["errors"]] == [(2, "id_conflict")]


def test_errors_hold_the_cell(book: Harness) -> None:
    """B4. Columns that are empty before it do not mislead."""
    file = (
        "kind;name;emails.0.value;emails.1.value\norganization;A;;nonsense\norganization;B;b@b.fr;" + "x" * 300 + "\n"
    )
    job = book.imported("import_contacts", file.encode())
    told = [(e["row"], e["column"], e["code"], e["cell"]) for e in job["errors"]]
    assert told[0] == (2, "emails.1.value", "invalid_email", "nonsense")
    assert told[1][:2] == (3, "emails.1.value") and told[1][3] == "x" * 200


def test_kinds_and_types_of_addresses_are_inferred(book: Harness) -> None:
    """B4: where the file does not say them. What it changes keeps its kind."""
    file = (
        "external_ids.shop;Prénom;Nom;Raison sociale;Ville;addresses.1.town\n"
        "1;Ada;Lovelace;;Paris;\n2;;Curie;;;\n3;;;Lumen;Rennes;Brest\n4;;;;Nantes;\n"
    )
    job = book.imported("import_contacts", file.encode())
    assert [(e["row"], e["field"], e["code"]) for e in job["errors"]] == [(5, "kind", "required")]
    made = {c["external_ids"]["shop"]: c for c in book.call("list_contacts", query={})["data"]}
    assert {k: c["kind"] for k, c in made.items()} == {"1": "person", "2": "person", "3": "organization"}
    assert [(a["type"], a["town"]) for a in made["3"]["addresses"]] == [("billing", "Rennes"), ("shipping", "Brest")]
    stated = "kind,name,addresses.0.town,addresses.1.town,addresses.1.type\norganization,Lux,Metz,Nancy,billing\n"
    assert book.imported("import_contacts", stated.encode())["result"]["created"] == 1
    (lux,) = book.call("list_contacts", query={"name": "Lux"})["data"]
    assert [a["type"] for a in lux["addresses"]] == ["shipping", "billing"]
    changes = b"external_ids.shop,name,city\n3,Lumen SA,Lille\n"
    job = book.imported("import_contacts", changes, match_on="external_ids.shop")
    assert (job["result"]["updated"], job["errors"]) == (1, [])
    (lumen,) = book.call("list_contacts", query={"name": "Lumen SA"})["data"]
    assert [(a["type"], a["town"]) for a in lumen["addresses"]] == [("billing", "Lille")]


def test_a_dry_run_tells_the_same_and_leaves_nothing(book: Harness) -> None:
    job = book.imported("import_contacts", FRENCH.encode(), defaults=DEFAULTS, dry_run=True)
    assert job["dry_run"] and (job["result"]["created"], job["result"]["failed"]) == (1, 3)
    assert _count(book, "contact") == _count(book, "contact_point") == _count(book, "outbox") == 0
    with pytest.raises(Conflict):
        book.call("undo_job", id=job["id"])


def test_duplicates_are_warned_of(book: Harness) -> None:
    book.call("create_contact", body={"kind": "organization", "name": "Old", "emails": [{"value": "x@old.fr"}]})
    job = book.imported("import_contacts", b"kind;name;email\norganization;New;X@old.fr\norganization;Other;o@new.fr\n")
    assert job["result"]["created"] == 2
    assert [(e["row"], e["column"], e["code"], e["level"]) for e in job["errors"]] == [
        (2, "email", "possible_duplicate", "warning")
    ]


def test_what_is_wrong_with_a_request_or_a_file_is_said(book: Harness) -> None:
    query, file = book.upload(b"a,b\n1,2\n")
    for wrong, pointer in (
        ({"mapping": {"a": "nonsense"}}, "/mapping/a"),
        ({"defaults": {"kind": 3}}, "/defaults/kind"),
        ({"match_on": "nonsense"}, "/match_on"),
        ({"match_on": "emails"}, "/match_on"),
    ):
        with pytest.raises(Invalid) as refused:
            book.call("import_contacts", query=query, body={"file": file, **wrong})
        assert [e["pointer"] for e in refused.value.errors] == [pointer]
    with pytest.raises(Conflict):
        book.call("import_contacts", query=query, body={"file": {**file, "bytes": 3}})
    with pytest.raises(Conflict):
        book.call("import_contacts", query=query, body={"file": file}, actor="somebody else")
    assert book.imported("import_contacts", b"a,b\n1,2\n")["failure"]["code"] == "no_columns"
    assert book.imported("import_contacts", b"name,name\n1,2\n")["failure"]["code"] == "wrong_columns"
    assert book.imported("import_contacts", b"kind,\x81\n")["failure"]["code"] == "unreadable_file"
    assert book.imported("import_contacts", b"PK\x03\x04nonsense")["failure"]["code"] == "unreadable_file"
    assert _count(book, "contact") == 0


def test_a_job_is_its_owners(book: Harness) -> None:
    query, file = book.upload(b"kind,name\norganization,A\n", actor="ada", permissions=("contacts.*:write",))
    job = book.call("import_contacts", query=query, body={"file": file}, actor="ada", permissions=("contacts.*:write",))
    for operation in ("get_job", "cancel_job", "undo_job", "list_job_errors", "read_job_result"):
        with pytest.raises(NotFound):
            book.call(operation, id=job["id"], actor="eve", permissions=("contacts.*:write",))
    assert book.call("list_jobs", query={}, actor="eve", permissions=())["data"] == []
    ada: dict[str, Any] = {"actor": "ada", "permissions": ("contacts.*:write",)}
    assert [j["id"] for j in book.call("list_jobs", query={}, **ada)["data"]] == [job["id"]]
    cancelled = book.call("cancel_job", id=job["id"], **ada)
    assert cancelled["status"] == "cancelled" and not book.jobs.run_one()
    with pytest.raises(Conflict):
        book.call("cancel_job", id=job["id"])


def test_users_take_turns_with_their_imports(book: Harness) -> None:
    """A8: whoever has one import to be carried out does not wait for all of somebody else's."""
    may = ("contacts.*:write", "contacts.*:read")
    jobs = []
    for n, actor in enumerate(("ada", "ada", "ada", "bob", "bob")):
        query, file = book.upload(f"kind,name\norganization,{n}\n".encode(), actor=actor, permissions=may)
        jobs.append(book.call("import_contacts", query=query, body={"file": file}, actor=actor, permissions=may)["id"])
    while book.jobs.run_one():
        pass
    with book.session() as session:
        order = [str(one) for one in session.scalars(text("SELECT id FROM job ORDER BY started_at"))]
    assert [jobs.index(one) for one in order] == [0, 3, 1, 4, 2]


def test_stored_files_have_a_quota(book: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A8: of each user by themselves, over uploads and results together."""
    monkeypatch.setattr(storage, "QUOTA", 40)
    may = ("contacts.*:write", "contacts.*:read")
    book.upload(b"k" * 30, actor="ada", permissions=may)
    with pytest.raises(storage.StorageFull):
        book.upload(b"k" * 11, actor="ada", permissions=may)
    book.upload(b"k" * 10, actor="ada", permissions=may)
    book.upload(b"k" * 40, actor="bob", permissions=may)
    with book.session() as session:
        session.execute(text("UPDATE file_chunk SET content = content || 'k' WHERE actor = 'bob'"))
        session.commit()
    with pytest.raises(storage.StorageFull):
        book.call("export_contacts", body={"format": "csv"}, actor="bob", permissions=may)


def test_the_same_key_is_the_same_import(book: Harness) -> None:
    content = b"kind,name\norganization,A\n"
    jobs = []
    for _ in range(2):
        query, file = book.upload(content)
        jobs.append(book.reply("import_contacts", query=query, body={"file": file}, key="import-of-today-1"))
    assert jobs[1].replayed and jobs[0].id == jobs[1].id and jobs[0].status == 202
    book.finished({"id": jobs[0].id})
    assert _count(book, "contact") == 1


def test_a_batch_that_was_not_committed_is_taken_up_by_the_next_runner(
    book: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SET_WISE", 2)
    content = "kind,name\n" + "".join(f"organization,N{n}\n" for n in range(7))
    query, file = book.upload(content.encode())
    job = book.call("import_contacts", query=query, body={"file": file})
    written: list[int] = []
    write = imports._Import._write

    def fails_at_the_third(self: Any, session: Any, rows: Any) -> Any:
        written.append(rows[0].number)
        counts = write(self, session, rows)
        if len(written) == 3:
            raise KeyboardInterrupt  # nothing catches it: as sudden as a kill
        return counts

    monkeypatch.setattr(imports._Import, "_write", fails_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        book.jobs.run_one()
    half = book.call("get_job", id=job["id"])
    assert (half["status"], half["progress"]) == ("running", {"done": 4, "total": 7})
    other = type(book.jobs)(book.service, book.name, book.engine, book.operations)
    assert not other.run_one(), "the lease of the dead one still holds"
    with book.session() as session:
        session.execute(text("UPDATE job SET leased_until = now() - interval '1 s'"))
        session.commit()
    assert other.run_one()
    done = book.call("get_job", id=job["id"])
    assert (done["status"], done["result"]["created"]) == ("succeeded", 7)
    assert sorted(c["name"] for c in book.call("list_contacts", query={})["data"]) == [f"N{n}" for n in range(7)]
    assert len(book.published()) == 7 and written == [2, 4, 6, 6, 8]


def test_a_job_that_ends_its_process_is_taken_once_again_and_no_more(
    book: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A2: it used to be taken up for ever. A process that ends in good order gives it back and is not counted."""
    query, file = book.upload(b"kind,name\norganization,A\n")
    job = book.call("import_contacts", query=query, body={"file": file})
    taken: list[UUID] = []

    def ends_its_process(run: Any) -> None:
        taken.append(run.runner)
        raise KeyboardInterrupt  # nothing catches it: as sudden as a kill

    monkeypatch.setitem(runner._CARRIERS, "import", ends_its_process)
    for _ in range(3):
        process = runner.Runner(book.service, book.name, book.engine, book.operations)
        with pytest.raises(KeyboardInterrupt):
            process.run_one()
        if len(taken) == 1:
            process.stop(0)
        with book.session() as session:
            session.execute(text("UPDATE job SET leased_until = now() - interval '1 s' WHERE leased_until IS NOT NULL"))
            session.commit()
    last = runner.Runner(book.service, book.name, book.engine, book.operations)
    assert last.run_one() and not last.run_one() and len(taken) == 3
    ended = book.call("get_job", id=job["id"])
    assert (ended["status"], ended["failure"]["code"]) == ("failed", "job_ended_its_process")


def test_what_went_out_comes_in_again_the_same(book: Harness, service: Callable[[type], Harness]) -> None:
    book.call(
        "create_contact",
        body={
            "kind": "organization", "name": "=HYPERLINK(\"x\")", "siren": "732829320", "tags": ["a|b", "-c", "d\\"],
            "emails": [{"value": f"m{n}@lumen.fr"} for n in range(4)], "phones": [{"value": "+33123456789"}],
            "addresses": [{"type": "legal", "street": "1; \"rue\"", "town": "@Paris"}], "roles": ["customer", "supplier"],
            "external_ids": {"shop.fr": "'=1", "b": "2"}, "source": "'-x",
        },
    )  # fmt: skip
    book.call("create_contact", body={"kind": "person", "first_name": "Ada", "last_name": "Lovelace"})
    before = book.call("list_contacts", query={"sort": "name"})["data"]
    for form in ("csv", "xlsx"):
        content = _exported(book, form)
        other = service(CrmContacts)
        job = other.imported("import_contacts", content)
        assert (job["status"], job["result"]["created"], job["errors"]) == ("succeeded", 2, []), form
        after = other.call("list_contacts", query={"sort": "name"})["data"]
        assert [_lasting(c) for c in after] == [_lasting(c) for c in before], form


def _lasting(contact: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in contact.items() if name not in ("created_at", "updated_at", "version")}


def _exported(book: Harness, form: str) -> bytes:
    job = book.finished(book.call("export_contacts", body={"format": form, "query": {"sort": "name"}}, language="fr"))
    assert (job["status"], job["result"]["rows"]) == ("succeeded", 2), job
    piece = book.call("read_job_result", id=job["id"], query={})
    assert piece["last"] and piece["name"] == f"contacts.{form}"
    content = b64decode(piece["content"])
    if form == "csv":
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
        assert rows[0][0] == "id" and len(rows) == 3
        assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    return content
