"""D7: whatever a body refers to exists, or the request is refused with a pointer to it and nothing is stored."""

import copy
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from shared import contracts
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.schema.contract import Operation
from shared.wire import fields
from tests.flows.shop import Shop
from tests.suite import Api, Refused, Suite

Body = dict[str, Any]


@pytest.fixture(scope="module")
def bodies(running: Suite) -> dict[str, Body]:
    """Good bodies of what is made, by path, in which all is named that can be."""
    shop = Shop(running)
    lamp, customer = shop.product("Lamp", "49.90")["id"], shop.customer("Lumière SARL")["id"]
    email = f"ann-{uuid4().hex[:8]}@suite.example"
    password = {"password": "correct-horse-battery-staple"}
    ann = shop.api.post("/v1/users", {"email": email, "name": "Ann", "roles": ["sales"], **password})["id"]
    company = str(DEFAULT_COMPANY_ID)
    anne = shop.api.post("/v1/contacts", {"kind": "person", "last_name": "Roux"})["id"]
    (warehouse,) = (one["id"] for one in shop.api.get("/v1/warehouses", limit=1)["data"])
    return _bodies(lamp, customer, ann, company, warehouse) | {
        "/v1/teams": {"name": f"Team {email}", "manager_id": ann},
        "/v1/affiliations": {"person_id": anne, "organization_id": customer, "role": "Buyer"},
        "/v1/activities": {"type": "call", "subject": "Call", "contact_id": customer, "owner_id": ann},
        "/v1/users": {
            "email": f"bob-{email}",
            "name": "Bob",
            "roles": [],
            "manager_id": ann,
            **password,
            "company_id": company,
            "companies": [company],
        },
        "/v1/api-keys": {"name": "Till", "scopes": ["sales.*:read"], "company_id": company},
    }


def _bodies(lamp: str, customer: str, ann: str, company: str, warehouse: str) -> dict[str, Body]:
    sold = {
        "company_id": company,
        "customer_id": customer,
        "owner_id": ann,
        "lines": [{"product_id": lamp, "quantity": "1"}],
    }
    entry = {"account": "601", "debit": "1.00", "partner_id": customer, "tax_code": "S20"}
    billed = {"product_id": lamp, "description": "Lamp", "quantity": "1", "unit_price": "1.00"}
    return {
        "/v1/contacts": {"kind": "organization", "name": "Fille SARL", "owner_id": ann, "parent_id": customer},
        "/v1/quotes": {**sold},
        "/v1/orders": {**sold},
        "/v1/locations": {"warehouse_id": warehouse, "code": f"L-{uuid4().hex[:6]}", "name": "Shelf", "usage": "internal"},
        "/v1/stock-adjustments": {"warehouse_id": warehouse, "reason": "found", "lines": [
            {"product_id": lamp, "quantity_delta": "1", "unit_cost": "1.00"}]},
        "/v1/accounts": {"company_id": company, "code": f"601{uuid4().int % 10**5}", "name": "Lamps", "type": "expense"},
        "/v1/journal-entries": {"company_id": company, "journal": "OD", "date": "2026-11-02", "reference": "R", "lines": [
            entry, {"account": "512", "credit": "1.00"}]},
        "/v1/invoices": {"company_id": company, "customer_id": customer, "lines": [billed]},
        "/v1/payments": {"company_id": company, "contact_id": customer, "direction": "in", "amount": "1.00",
                         "currency": "EUR", "method": "transfer"},
        "/v1/credit-limits": {"company_id": company, "customer_id": customer, "limit": "1.00"},
    }  # fmt: skip


ADDED: dict[tuple[str, str], Callable[[Body, str], Any]] = {
    ("/v1/quotes", "opportunity_id"): lambda body, id_: body.update(opportunity_id=id_),
    ("/v1/orders", "opportunity_id"): lambda body, id_: body.update(opportunity_id=id_),
    ("/v1/payments", "allocations/0/invoice_id"): lambda body, id_: body.update(
        allocations=[{"invoice_id": id_, "amount": "1.00"}]
    ),
}
"""What no good body can hold, because there is nothing of the kind that it could name."""

ELSEWHERE = {
    ("/v1/quotes/preview", "customer_id"): "the same function as for a quote: tests/crm_sales/test_quotes.py",
    ("/v1/quotes/preview", "lines/product_id"): "the same function as for a quote: tests/crm_sales/test_quotes.py",
    ("/v1/deliveries/{id}/ship", "lines/id"): "tests/erp_inventory/test_delivering.py",
    ("/v1/invoices/{id}/credit", "lines/line_id"): "tests/erp_finance/test_crediting.py",
    ("/v1/payments/{id}/allocate", "allocations/invoice_id"): "the same function as for a payment",
    ("/v1/payments/{id}/unallocate", "invoice_ids"): "tests/erp_finance/test_payments.py",
}
CASES = [
    ("/v1/teams", "manager_id"),
    *(("/v1/affiliations", member) for member in ("person_id", "organization_id")),
    *(("/v1/activities", member) for member in ("contact_id", "owner_id")),
    *(("/v1/contacts", member) for member in ("owner_id", "parent_id")),
    *(
        (path, m)
        for path in ("/v1/quotes", "/v1/orders")
        for m in ("company_id", "customer_id", "owner_id", "lines/0/product_id")
    ),
    ("/v1/locations", "warehouse_id"),
    *(("/v1/stock-adjustments", member) for member in ("warehouse_id", "lines/0/product_id")),
    ("/v1/accounts", "company_id"),
    *(("/v1/journal-entries", member) for member in ("company_id", "lines/0/partner_id", "lines/0/tax_code")),
    *(("/v1/invoices", member) for member in ("company_id", "customer_id", "lines/0/product_id")),
    *(("/v1/payments", member) for member in ("company_id", "contact_id")),
    *(("/v1/credit-limits", member) for member in ("company_id", "customer_id")),
    *(("/v1/users", member) for member in ("manager_id", "team_id", "company_id", "companies/0")),
    ("/v1/api-keys", "company_id"),
    *ADDED,
]


@pytest.mark.parametrize(("path", "member"), CASES)
def test_what_does_not_exist_is_refused(running: Suite, bodies: dict[str, Body], path: str, member: str) -> None:
    body, unknown = copy.deepcopy(bodies[path]), str(uuid4())
    if (path, member) in ADDED:
        ADDED[path, member](body, unknown)
    else:
        _put(body, member.split("/"), "NOTAX" if member.endswith("tax_code") else unknown)
    before = _count(running.api, path)
    with pytest.raises(Refused) as refused:
        running.api.post(path, body)
    assert refused.value.status == 422
    assert {(e["pointer"], e["code"]) for e in refused.value.problem["errors"]} == {(f"/{member}", "not_found")}
    assert _count(running.api, path) == before


@pytest.mark.parametrize("path", ["/v1/contacts", "/v1/quotes", "/v1/orders"])
def test_the_same_for_a_change_and_in_a_batch(running: Suite, bodies: dict[str, Body], path: str) -> None:
    made, unknown = running.api.post(path, bodies[path]), str(uuid4())
    with pytest.raises(Refused) as refused:
        running.api.patch(f"{path}/{made['id']}", {"owner_id": unknown}, made["version"])
    assert refused.value.problem["errors"][0]["pointer"] == "/owner_id"
    item = {"op": "create", "data": {**bodies[path], "owner_id": unknown}}
    (result,) = running.api.post(f"{path}/batch", {"operations": [item]})["results"]
    assert result["problem"]["errors"][0]["pointer"] == "/operations/0/data/owner_id"


def test_an_owner_in_a_file(running: Suite, bodies: dict[str, Body]) -> None:
    owners = (bodies["/v1/contacts"]["owner_id"], str(uuid4()))
    lines = [f"organization,Owned {n} {uuid4().hex[:8]},{owner}" for n, owner in enumerate(owners)]
    file = "kind,name,owner_id\n" + "\n".join(lines) + "\n"
    answer = running.api.http.post("/v1/contacts/import", files={"file": ("owners.csv", file, "text/csv")})
    assert answer.status_code == 202, answer.text
    path = f"/v1/jobs/{answer.json()['id']}"
    job = running.api.eventually(path, lambda job: job["status"] not in ("queued", "running"))
    assert (job["result"]["created"], job["result"]["failed"]) == (1, 1), job
    assert [(e["column"], e["code"]) for e in job["errors"]] == [("owner_id", "not_found")]


@pytest.mark.parametrize("path", sorted({path for path, _ in CASES} - {"/v1/users"}))
def test_the_good_bodies_are_good(running: Suite, bodies: dict[str, Body], path: str) -> None:
    """Otherwise the refusals above would prove nothing."""
    assert running.api.post(path, bodies[path])["id"]


def test_every_reference_of_every_body_is_tried() -> None:
    """A new member that holds an id comes into `CASES`, or says where else it is tried."""
    tried = {(path, "/".join(step for step in member.split("/") if step != "0")) for path, member in CASES}
    changed = {(f"{path}/{{id}}", member) for path, member in tried}
    declared = {one for ops in contracts.operations().values() for o in ops.values() for one in _references(o)}
    assert declared - tried - changed - ELSEWHERE.keys() - COMPANIES == set()


COMPANIES = {
    ("/v1/fiscal-years", "company_id"),
}
"""Of a caller who may see all companies."""


def _references(operation: Operation) -> Iterator[tuple[str, str]]:
    if operation.request is not None and not operation.derived:
        yield from ((operation.path, member) for member in _members(operation.request, ()))


def _members(schema: Any, at: tuple[str, ...]) -> Iterator[str]:
    for name, field in schema().load_fields.items():
        inner: Any = field.inner if isinstance(field, fields.Many) else field
        if isinstance(inner, fields.Part):
            yield from _members(type(inner.schema), (*at, name))
        elif isinstance(inner, fields.Uuid) and (name != "id" or schema.__name__ == "ShippedLineRequest"):
            yield "/".join((*at, name))


def _put(body: Any, path: list[str], value: str) -> None:
    *steps, last = path
    for step in steps:
        body = body[int(step) if step.isdigit() else step]
    body[int(last) if last.isdigit() else last] = value


def _count(api: Api, path: str) -> int:
    return int(api.get(path, include_total="true", limit=1)["total"])
