"""The conventions of every resource, over HTTP and the real bus."""

from collections import Counter
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.schema.derived.job_contract import INNER, OVERSEER
from tests.flows.shop import Shop
from tests.suite import Api, Refused, Suite

OF_THE_EDGE = {name for name, operation in INNER.items() if operation.permission == OVERSEER}


@pytest.fixture(scope="module")
def shop(running: Suite) -> Shop:
    return Shop(running)


@pytest.fixture(scope="module")
def order(shop: Shop) -> Any:
    """Two lamps and a rug for Lumière, made by its parent company's daughter."""
    customer = shop.customer("Lumière SARL")
    return shop.order(customer, (shop.product("Lamp", "49.90"), "2"), (shop.product("Rug", "120"), "1"))


@pytest.fixture(scope="module")
def clerk(running: Suite) -> Api:
    running._create_user("clerk@suite.example", "staple-battery-horse-correct", "warehouse")
    return running.sign_in("clerk@suite.example", "staple-battery-horse-correct")


def calls(running: Suite) -> Counter[str]:
    """How often the gateway has called each operation for a request; what it asks of its own accord is left out."""
    found: Counter[str] = Counter()
    for line in httpx.get(f"{running.health_urls['gateway']}/metrics").text.splitlines():
        if line.startswith("rpc_client_seconds_count"):
            labels, _, number = line.rpartition(" ")
            found[labels.split('method="')[1].split('"')[0]] += int(float(number))
    return Counter({name: number for name, number in found.items() if name not in OF_THE_EDGE})


def test_expand_takes_one_call_per_resource(running: Suite, shop: Shop, order: Any) -> None:
    for _ in range(4):
        shop.api.post("/v1/orders", {"customer_id": order["customer_id"], "lines": [
            {"product_id": line["product_id"], "quantity": "1"} for line in order["lines"]
        ]})  # fmt: skip
    before = calls(running)
    found = shop.api.get("/v1/orders", customer_id=order["customer_id"], expand="customer,lines.product,company")
    made = calls(running) - before
    assert made == {"list_orders": 1, "list_contacts": 1, "list_products": 1, "list_companies": 1}
    assert len(found["data"]) == 5
    assert {one["customer"]["name"] for one in found["data"]} == {"Lumière SARL"}
    assert {line["product"]["name"] for one in found["data"] for line in one["lines"]} == {"Lamp", "Rug"}
    one = shop.api.get(f"/v1/orders/{order['id']}", expand="customer", fields="number")
    assert set(one) == {"number", "customer"} and one["customer"]["id"] == order["customer_id"]


def test_expand_is_refused_without_the_permission(clerk: Api) -> None:
    with pytest.raises(Refused) as refused:
        clerk.get("/v1/deliveries", expand="company")
    assert (refused.value.status, refused.value.problem["permission"]) == (403, "finance.companies:read")
    with pytest.raises(Refused) as refused:
        clerk.get("/v1/deliveries", expand="colour")
    assert refused.value.status == 400 and "order" in refused.value.problem["allowed"]


def test_expanded_answers_are_never_called_unchanged(shop: Shop, order: Any) -> None:
    headers = {"If-None-Match": f'"{order["version"]}"'}
    path = f"/v1/orders/{order['id']}"
    assert shop.api.http.get(path, headers=headers).status_code == 304
    answer = shop.api.http.get(path, headers=headers, params={"expand": "customer"})
    assert answer.status_code == 200 and answer.headers["etag"] == headers["If-None-Match"]


def test_a_batch(shop: Shop, clerk: Api) -> None:
    operations = [
        {"op": "create", "data": {"kind": "organization", "name": f"Client {n}", "roles": ["customer"]}}
        for n in range(20)
    ]
    operations.insert(7, {"op": "create", "data": {"kind": "organization", "name": ""}})
    key = str(uuid4())
    french = {"Idempotency-Key": key, "Accept-Language": "fr"}
    answers = [
        shop.api.http.post("/v1/contacts/batch", json={"operations": operations}, headers=french) for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [200, 200] and answers[1].headers["idempotency-replayed"] == "true"
    results = answers[0].json()["results"]
    assert results == answers[1].json()["results"]
    assert [r["status"] for r in results] == [201] * 7 + [422] + [201] * 13
    assert results[7]["problem"]["title"] == "Non valide"
    assert results[7]["problem"]["errors"][0]["pointer"] == "/operations/7/data/name"
    shop.api.get("/v1/orders", limit=1, wait_for=results[-1]["event_ids"][0])
    order = {
        "customer_id": results[-1]["id"],
        "lines": [{"product_id": shop.product("Cup", "3")["id"], "quantity": "1"}],
    }
    assert shop.api.post("/v1/orders", order)["customer_name"] == "Client 19"
    with pytest.raises(Refused) as refused:
        shop.api.post("/v1/contacts/batch", {"operations": operations, "atomic": True})
    assert (refused.value.status, refused.value.code) == (422, "batch_refused")
    assert shop.api.get("/v1/contacts", include_total="true", **{"name[starts]": "Client "})["total"] == 20
    with pytest.raises(Refused) as refused:
        clerk.post("/v1/contacts/batch", {"operations": operations})
    assert refused.value.status == 403


def test_a_history(running: Suite, shop: Shop, order: Any) -> None:
    path = f"/v1/orders/{order['id']}"
    lines = [{"product_id": order["lines"][0]["product_id"], "quantity": "9"}]
    changed = shop.api.patch(path, {"reference": "PO 7", "lines": lines}, order["version"])
    shop.api.post(f"{path}/cancel", {"reason": "mistake"})
    told = shop.api.get(f"{path}/history")["data"]
    me = shop.api.get("/v1/me")["id"]
    assert [e["action"] for e in told] == ["cancel_order", "update_order", "create_order"]
    assert {e["actor"] for e in told} == {me} and told[-1]["effect"] == "created"
    fields = {c["field"]: (c["old"], c["new"]) for c in told[1]["changes"]}
    assert fields["reference"] == (None, "PO 7") and fields["lines"] == (None, {"added": 1})
    assert fields["net_total"] == (order["net_total"], changed["net_total"])
    assert order["owner_id"] == me


def test_a_history_names_the_key_with_which_a_program_acted(running: Suite, shop: Shop) -> None:
    key = shop.api.post("/v1/api-keys", {"name": "importer", "scopes": ["contacts.*:*"]})
    headers = {"Authorization": f"Bearer {key['secret']}"}
    body = {"kind": "organization", "name": "Par clé"}
    made = httpx.post(f"{running.base_url}/v1/contacts", json=body, headers=headers).raise_for_status().json()
    shop.api.patch(f"/v1/contacts/{made['id']}", {"name": "Par personne"}, made["version"])
    changed, created = shop.api.get(f"/v1/contacts/{made['id']}/history")["data"]
    assert created["actor"] == changed["actor"] == shop.api.get("/v1/me")["id"]
    assert (created["api_key_id"], changed["api_key_id"]) == (key["id"], None)


def test_a_history_is_told_after_a_deletion(shop: Shop, clerk: Api) -> None:
    made = shop.api.post("/v1/products", {"sku": str(uuid4()), "name": "Mistake"})
    shop.api.delete(f"/v1/products/{made['id']}", made["version"])
    assert shop.api.get(f"/v1/products/{made['id']}/history")["data"][0]["effect"] == "deleted"
    with pytest.raises(Refused) as refused:
        clerk.get(f"/v1/products/{made['id']}/history")
    assert refused.value.status == 404


def test_custom_fields_reach_every_service(shop: Shop, order: Any) -> None:
    for resource in ("orders", "products", "quotes", "contacts"):
        body = {"resource": resource, "name": "shade", "type": "choice", "options": ["warm", "cold"]}
        shop.api.post("/v1/custom-fields", body)
        defined = shop.api.last_event
    customer, product = order["customer_id"], order["lines"][0]["product_id"]
    sale = {"customer_id": customer, "lines": [{"product_id": product, "quantity": "1"}]}
    made = [
        shop.api.post(path, {**body, "custom": {"shade": "warm"}}, wait_for=defined)
        for path, body in (
            ("/v1/products", {"sku": str(uuid4()), "name": "Shaded"}),
            ("/v1/orders", sale),
            ("/v1/quotes", sale),
            ("/v1/contacts", {"kind": "person", "last_name": "Durand"}),
        )
    ]
    assert [one["custom"] for one in made] == [{"shade": "warm"}] * 4
    for path, one in zip(("/v1/products", "/v1/orders", "/v1/quotes", "/v1/contacts"), made, strict=True):
        assert [f["id"] for f in shop.api.get(path, **{"custom.shade": "warm"})["data"]] == [one["id"]]
    with pytest.raises(Refused) as refused:
        shop.api.post("/v1/orders", {**sale, "custom": {"shade": "pink", "colour": "red"}})
    assert {e["pointer"] for e in refused.value.problem["errors"]} == {"/custom/shade", "/custom/colour"}
    with pytest.raises(Refused) as refused:
        shop.api.get("/v1/orders", **{"custom.colour": "red"})
    assert (refused.value.status, refused.value.problem["errors"][0]["code"]) == (400, "unknown_filter")


def test_master_data_is_upserted_by_the_ids_of_other_systems(shop: Shop) -> None:
    sku = str(uuid4())
    item = {"op": "upsert", "data": {"sku": sku, "name": "Lamp", "external_ids": {"erp": sku}}}
    first = shop.api.post("/v1/products/batch", {"operations": [item]})["results"][0]
    item["data"] = {**item["data"], "name": "Lantern"}
    second = shop.api.post("/v1/products/batch", {"operations": [item]})["results"][0]
    assert (first["status"], second["status"], second["resource"]["name"]) == (201, 200, "Lantern")
    assert first["id"] == second["id"]


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/contacts", "/v1/products", "/v1/invoices", "/v1/deliveries"])
def test_every_list_takes_ids_and_fields(shop: Shop, path: str) -> None:
    assert shop.api.get(path, **{"id[in]": f"{uuid4()},{uuid4()}", "fields": "id,version"})["data"] == []
    with pytest.raises(Refused) as refused:
        shop.api.get(path, fields="id,colour")
    assert refused.value.status == 400 and "version" in refused.value.problem["allowed"]


def test_when_a_service_is_away_its_members_are_null(running: Suite, shop: Shop, order: Any) -> None:
    """The queue of contacts loses its binding for a while, so that nobody takes calls for it."""
    bindings = f"bindings/{running.name}/e/nameko-rpc/q/rpc-crm_contacts"
    running._management("DELETE", f"{bindings}/crm_contacts.%2A")
    try:
        answer = shop.api.http.get(f"/v1/orders/{order['id']}", params={"expand": "customer,lines.product"})
    finally:
        running._management("POST", bindings, {"routing_key": "crm_contacts.*"})
    assert answer.status_code == 200 and answer.headers["x-unresolved"] == "customer"
    assert answer.json()["customer"] is None and answer.json()["lines"][0]["product"]["name"]
    assert shop.api.get(f"/v1/orders/{order['id']}", expand="customer")["customer"]["name"] == "Lumière SARL"
