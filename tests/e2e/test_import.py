"""Files through the gateway: in as forms, out as tables, with jobs between; and what a stranger might send."""

import csv
import io
import json
import time
import zipfile
from typing import Any
from uuid import uuid4

import httpx
import openpyxl
import pytest

from shared.contracts import operations
from tests.bench.importing import begin, people, watched
from tests.flows.shop import Shop
from tests.shared.workbooks import bomb, by_hand, many_texts
from tests.suite import TOGETHER, Api, Suite

CSV = "text/csv; charset=utf-8"


def _send(api: Api, path: str, content: bytes, name: str = "people.csv", **values: str) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid4())}
    return api.http.post(path, files={"file": (name, content)}, data=values, headers=headers)


def _finished(api: Api, answer: httpx.Response) -> Any:
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return api.eventually(answer.headers["location"], lambda job: job["status"] not in ("queued", "running"))


def _rows(text: str, delimiter: str = ",") -> list[list[str]]:
    assert text[0] == "\ufeff"
    return list(csv.reader(io.StringIO(text[1:]), delimiter=delimiter))


@pytest.fixture(scope="module")
def mark() -> str:
    return uuid4().hex[:8]


def test_contacts_come_in_and_go_out_through_the_edge(running: Suite, mark: str) -> None:
    api = running.api
    lines = [f"organization,{mark} {n},contact{n}@{mark}.fr,=cmd()|A{n}" for n in range(450)]
    content = ("kind,name,email,source\n" + "\n".join(lines) + "\nperson,x,,\n").encode()
    job = _finished(api, _send(api, "/v1/contacts/import", content, "../../etc/people.csv"))
    assert (job["status"], job["result"]["created"], job["result"]["failed"]) == ("succeeded", 450, 1)
    assert job["file_name"] == "people.csv" and job["progress"] == {"done": 451, "total": 451}
    errors = api.http.get(f"/v1/jobs/{job['id']}/errors", headers={"Accept-Language": "fr"})
    assert errors.headers["content-disposition"] == 'attachment; filename="errors.csv"'
    assert _rows(errors.text, ";")[1][:5] == ["452", "name", "name", "error", "not_for_this_kind"]
    assert job["id"] in [j["id"] for j in api.get("/v1/jobs", limit=5)["data"]]

    out = api.http.get("/v1/contacts", params={"format": "csv", "name[starts]": mark, "fields": "name,source,emails"})
    assert (out.status_code, out.headers["content-type"]) == (200, CSV)
    header, *rows = _rows(out.text)
    assert header[0] == "name" and header[-1] == "source" and "emails.0.value" in header and len(rows) == 450
    assert {row[-1][:6] for row in rows} == {"'=cmd("}
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    french = api.http.get(f"/v1/contacts?format=csv&name={mark} 1", headers={"Accept-Language": "fr"})
    assert len(_rows(french.text, ";")) == 2

    asked = {"format": "xlsx", "query": {"name[starts]": mark}}
    made = _finished(api, api.http.post("/v1/contacts/export", json=asked))
    file = api.http.get(f"/v1/jobs/{made['id']}/result")
    assert file.headers["content-disposition"] == 'attachment; filename="contacts.xlsx"'
    sheet = openpyxl.load_workbook(io.BytesIO(file.content)).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert sheet.max_row == 451 and {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert not [cell for cell in cells if str(cell.value or "")[:1] in ("=", "+", "-", "@")]

    again = _finished(api, _send(api, "/v1/contacts/import", file.content, "again.xlsx", match_on="id"))
    assert (again["result"]["skipped"], again["result"]["failed"]) == (450, 0), again["errors"]
    undone = _finished(api, api.http.post(f"/v1/jobs/{job['id']}/undo"))
    assert undone["result"]["deleted"] == 450
    assert api.get("/v1/contacts", **{"name[starts]": mark, "include_total": "true"})["total"] == 0


def test_a_template_is_downloaded_and_filled_in(running: Suite, mark: str) -> None:
    """B4: for each resource that can be imported, in both formats and languages; by whoever may import it."""
    api = running.api
    paths = [p for p in api.get("/openapi.json")["paths"] if p.endswith("/import-template")]
    assert len(paths) > 12
    for path in paths:
        for kind, head in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
            file = api.http.get(f"{path}?format={kind}")
            assert (file.status_code, file.content[: len(head)]) == (200, head), (path, file.text)
            name = path.split("/")[2]
            assert file.headers["content-disposition"] == f'attachment; filename="{name}-import.{kind}"'
    french = {"Accept-Language": "fr"}
    file = api.http.get("/v1/products/import-template", headers=french)
    assert file.headers["content-type"] == CSV
    header = _rows(file.text, ";")[0]
    values = {"Référence": f"{mark}-T", "Nom": "Lampe", "Prix de vente HT": "1 234,50"}
    content = file.content + ";".join(values.get(h, "") for h in header).encode()
    job = _finished(api, _send(api, "/v1/products/import", content))
    assert (job["result"]["created"], job["errors"]) == (1, [])
    assert api.get("/v1/products", sku=f"{mark}-T")["data"][0]["sale_price"] == "1234.50"
    wrong = api.http.get("/v1/products/import-template?format=pdf")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "?format")


def test_products_are_imported_row_by_row(running: Suite, mark: str) -> None:
    api = running.api
    content = f"Référence;Désignation;Prix de vente;Actif\n{mark}-1;Lampe;1 234,50;oui\n{mark}-2;Abat-jour;x;non\n"
    job = _finished(api, _send(api, "/v1/products/import", content.encode("cp1252"), mapping="", dry_run="false"))
    assert (job["result"]["created"], job["result"]["failed"]) == (1, 1)
    assert [(e["row"], e["column"], e["code"]) for e in job["errors"]] == [(3, "Prix de vente", "invalid_decimal")]
    content = f"sku,name,price\n{mark}-1,Lampe d'or,1300\n{mark}-3,Pied,5\n{mark}-1,Zwei,5\n"
    mapping = json.dumps({"sku": "sku", "name": "name", "price": "sale_price"})
    job = _finished(api, _send(api, "/v1/products/import", content.encode(), mapping=mapping, match_on="sku"))
    assert [job["result"][n] for n in ("created", "updated", "failed")] == [1, 1, 1]
    (lamp,) = api.get("/v1/products", sku=f"{mark}-1")["data"]
    assert (lamp["name"], lamp["sale_price"], lamp["version"]) == ("Lampe d'or", "1300.00", 2)
    _finished(api, api.http.post(f"/v1/jobs/{job['id']}/undo"))
    assert api.get("/v1/products", sku=f"{mark}-1")["data"][0]["name"] == "Lampe"
    assert api.get("/v1/products", sku=f"{mark}-3")["data"] == []


def test_what_a_stranger_might_send_is_refused_and_leaves_nothing(running: Suite) -> None:
    api, path = running.api, "/v1/contacts/import"
    before = running.sql("crm_contacts", "SELECT count(*) FROM file_chunk")
    ok = b"kind,name\norganization,A\n"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    for answer, status, code in (
        (api.http.post(path, json={}), 415, "unsupported_media_type"),
        (api.http.post(path, content=b"", headers=form), 400, "body_required"),
        (api.http.post(path, content=part + ok, headers=form), 400, "invalid_form"),
        (api.http.post(path, content=b"garbage", headers=form), 400, "invalid_form"),
        (_send(api, path, b""), 422, "invalid"),
        (_send(api, path, ok, nonsense="1"), 422, "invalid"),
        (_send(api, path, ok, dry_run="maybe"), 422, "invalid"),
        (_send(api, path, ok, mapping="{"), 400, "invalid_json"),
        (_send(api, path, ok, mapping="[1]"), 422, "invalid"),
        (_send(api, path, ok, mapping='{"kind": "\\u0000"}'), 400, "invalid_json"),
        (_send(api, path, ok, match_on="nonsense"), 422, "invalid"),
        (_send(api, path, ok, mapping="x" * 300_000), 413, "body_too_large"),
        (api.http.post("/v1/contacts/export", json={"format": "pdf"}), 422, "invalid"),
        (api.http.post("/v1/contacts/export", json={"format": "csv", "query": {"nope": "1"}}), 422, "invalid"),
        (api.http.post("/v1/contacts/export", json={"format": "csv", "fields": "nope"}), 422, "invalid"),
        (api.http.get("/v1/contacts?format=pdf"), 400, "unknown_parameter"),
        (api.http.get("/v1/contacts?format=csv&cursor=x"), 400, "unknown_parameter"),
        (api.http.get("/v1/contacts?format=csv&nope=1"), 400, "bad_request"),
        (api.http.get(f"/v1/jobs/{uuid4()}"), 404, "not_found"),
        (api.http.get("/v1/jobs?limit=0"), 400, "bad_request"),
        (api.http.get("/v1/jobs?cursor=x"), 400, "bad_request"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert running.sql("crm_contacts", "SELECT count(*) FROM file_chunk") == before


def test_a_bomb_is_not_unpacked(running: Suite) -> None:
    job = _finished(running.api, _send(running.api, "/v1/contacts/import", bomb(), "bomb.xlsx"))
    assert (job["status"], job["failure"]["code"]) == ("failed", "unreadable_file")
    entities = io.BytesIO()
    openpyxl.Workbook().save(plain := io.BytesIO())
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(entities, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + content
            target.writestr(name, content)
    job = _finished(running.api, _send(running.api, "/v1/contacts/import", entities.getvalue(), "laughs.xlsx"))
    assert (job["status"], job["failure"]["code"]) == ("failed", "unreadable_file")


def test_a_file_that_kept_a_service_busy_for_ever_is_refused_while_it_answers_others(running: Suite) -> None:
    """A2: a row number of 10^12, and 100,000 different texts."""
    far = by_hand('<row r="1000000000000"><c t="b"><v>1</v></c></row>')
    for content, code in ((far, "unreadable_file"), (many_texts(100_000), "no_columns")):
        answer = _send(running.api, "/v1/contacts/import", content, "stranger.xlsx")
        job, seconds, _ = watched(running.api, answer.json(), timeout=60)
        assert (job["status"], job["failure"]["code"]) == ("failed", code)
        assert max(seconds) < 1


def test_a_service_that_is_killed_goes_on_where_it_was(running: Suite, mark: str) -> None:
    """No row is lost, none is doubled, and every contact has told of itself once."""
    api, count = running.api, 4_000
    job = begin(api, people(count, f"k{mark}"))
    api.eventually(f"/v1/jobs/{job['id']}", lambda j: 1000 <= j["progress"]["done"] < count, timeout=60)
    running.supervisor.kill(TOGETHER)
    running.supervisor.wait_ready(timeout=60)
    done = _patiently(api, job)
    assert (done["status"], done["result"]["created"], done["progress"]["done"]) == ("succeeded", count, count)
    made = running.sql(
        "crm_contacts", "SELECT count(*), count(DISTINCT first_name) FROM contact WHERE last_name = %s", f"k{mark}"
    )
    told = running.sql(
        "crm_contacts",
        "SELECT count(*), count(DISTINCT aggregate_id) FROM outbox WHERE aggregate_id IN"
        " (SELECT id FROM contact WHERE last_name = %s)",
        f"k{mark}",
    )
    assert made == told == [(count, count)]
    undone = _patiently(api, api.post(f"/v1/jobs/{job['id']}/undo"))
    assert undone["result"]["deleted"] == count
    running.quiesce(120)


def _patiently(api: Api, job: Any) -> Any:
    """The end of a job, whose service may be away for a while."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        answer = api.http.get(f"/v1/jobs/{job['id']}")
        if answer.status_code == 200 and answer.json()["status"] not in ("queued", "running"):
            return answer.json()
        time.sleep(0.2)
    raise AssertionError(job)


def test_rights_are_those_of_the_single_operations(running: Suite, mark: str) -> None:
    clerk = running.user(f"{mark}@suite.example", "warehouse")
    ok = b"kind,name\norganization,A\n"
    assert _send(clerk, "/v1/contacts/import", ok).status_code == 403
    assert clerk.http.get("/v1/contacts/import-template").status_code == 403
    job = running.api.get("/v1/jobs", limit=1)["data"][0]
    for path in ("", "/errors", "/result"):
        assert clerk.http.get(f"/v1/jobs/{job['id']}{path}").status_code == 404
    assert clerk.http.post(f"/v1/jobs/{job['id']}/cancel").status_code == 404
    assert clerk.get("/v1/jobs")["data"] == []


def test_everything_that_was_imported_stands_the_audit(running: Suite) -> None:
    """Runs last: rows, events and audit of all imports above, that of the killed service among them."""
    running.quiesce(timeout=120)
    running.audit()


IMPORTS = sorted(
    o.path.removesuffix("/import") for known in operations().values() for o in known.values() if o.derived == "import"
)


@pytest.fixture(scope="module")
def stocked(running: Suite) -> Api:
    """A shop in which something of every kind that can be imported is kept."""
    shop = Shop(running)
    lamp = shop.product("lamp", "89.90")
    shop.receive(lamp, "5", "41.00")
    customer = shop.customer("Maison Dupont")
    shop.order(customer, (lamp, "2"), discount="10")
    api = running.api
    api.post("/v1/quotes", {"customer_id": customer["id"], "lines": [{"product_id": lamp["id"], "quantity": "2"}]})
    line = {"description": "Assembly", "kind": "service", "quantity": "2", "unit": "hour", "unit_price": "45.00"}
    api.post("/v1/invoices", {"customer_id": customer["id"], "lines": [line]})
    api.post("/v1/payments", {"contact_id": customer["id"], "amount": "10.00"})
    api.post("/v1/credit-limits", {"customer_id": customer["id"], "limit": "100.00"})
    api.post("/v1/custom-fields", {"resource": "contacts", "name": f"f{uuid4().hex[:8]}", "type": "text"})
    buyer = api.post("/v1/contacts", {"kind": "person", "last_name": "Roux"})
    role = {"person_id": buyer["id"], "organization_id": customer["id"], "starts_on": "2026-01-01"}
    api.post("/v1/affiliations", {**role, "role": "Buyer"})
    api.post("/v1/activities", {"type": "call", "subject": "Call", "due_at": "2026-12-01T09:00:00Z"})
    for path in ("/v1/teams", "/v1/tags"):
        api.post(path, {"name": f"one {uuid4().hex[:8]}"})
    return api


@pytest.mark.parametrize("path", IMPORTS)
def test_an_export_comes_in_again_as_it_is(stocked: Api, path: str) -> None:
    """B5. What is the same is skipped, for every resource."""
    exported = stocked.http.get(path, params={"format": "csv"})
    assert (exported.status_code, exported.headers["content-type"]) == (200, CSV)
    _, *rows = _rows(exported.text)
    assert rows, "nothing to come in again"
    job = _finished(stocked, _send(stocked, f"{path}/import", exported.content))
    assert (job["status"], job["errors"][:3]) == ("succeeded", [])
    assert (job["result"]["skipped"], job["result"]["created"], job["result"]["updated"]) == (len(rows), 0, 0)
