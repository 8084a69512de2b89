"""Stories of the catalogue and of places."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.kernel.refusals import Invalid, Refusal
from tests.architecture.source import ROOT
from tests.erp_inventory.conftest import Shop, order


def test_a_product_is_added_changed_and_found(shop: Shop) -> None:
    body = {
        "sku": "LAMP-01",
        "name": "Lampe de bureau",
        "sale_price": "49.90",
        "barcode": "3760000000017",
        "category": "lighting",
        "external_ids": {"shop": "17"},
        "tags": ["new"],
    }
    made = shop.inventory.reply("create_product", body=body)
    product = shop.inventory.call("get_product", id=made.id)
    assert made.status == 201 and product["version"] == 1
    assert {name: product[name] for name in body} == body
    assert (product["type"], product["unit"], product["tracking"], product["valuation"]) == (
        "goods",
        "unit",
        "none",
        "avco",
    )
    assert shop.figures(made.id) == ("0", "0", "0.00")

    changes = {"sale_price": "45", "external_ids": {"market": "M-9", "shop": None}, "barcode": None}
    after = shop.inventory.call("update_product", id=made.id, body=changes, if_match=1)
    assert after["version"] == 2 and after["sale_price"] == "45.00" and after["barcode"] is None
    assert after["external_ids"] == {"market": "M-9"}
    created, updated = shop.inventory.published()
    assert isinstance(created, inventory.ProductCreated) and isinstance(updated, inventory.ProductUpdated)
    assert created.kind == "goods" and str(created.sale_price) == "49.90" and updated.sale_price == 45

    shop.product("other", category="garden")
    for query in ({"q": "bureau"}, {"sku": "LAMP-01"}, {"name[contains]": "LAMPE"}, {"category": "lighting"}):
        assert [p["id"] for p in shop.inventory.call("list_products", query=query)["data"]] == [made.id]


def test_what_is_not_offered_is_refused(shop: Shop) -> None:
    for field, value in (("tracking", "lot"), ("valuation", "fifo"), ("type", "kit"), ("tax_code", "S7")):
        with pytest.raises(Invalid) as refused:
            shop.product("lamp", **{field: value})
        assert refused.value.errors == [{"pointer": f"/{field}", "code": "invalid_choice"}]


def test_sku_and_external_ids_are_unique(shop: Shop) -> None:
    shop.product("lamp", external_ids={"shop": "17"})
    for sku, external_ids in (("lamp", {}), ("lamp-2", {"shop": "17"})):
        with pytest.raises(Refusal) as refused:
            shop.product(sku, external_ids=external_ids)
        assert refused.value.code == "duplicate"
    shop.product("lamp-3", external_ids={"market": "17"})


def test_only_an_unused_product_is_redefined_or_deleted(shop: Shop) -> None:
    lamp, idle, ordered = shop.product("lamp"), shop.product("idle"), shop.product("ordered")
    shop.receive(lamp, "1")
    shop.inventory.deliver(order((ordered, "1")))
    for used in (lamp, ordered):
        for operation, body in (("delete_product", None), ("update_product", {"unit": "kg"})):
            with pytest.raises(Refusal) as refused:
                shop.inventory.call(operation, id=used, if_match=1, **({"body": body} if body else {}))
            assert refused.value.code in ("in_use", "product_in_use")
    shop.inventory.call("update_product", id=lamp, if_match=1, body={"unit": "unit", "name": "Lamp"})
    shop.inventory.call("update_product", id=idle, if_match=1, body={"unit": "kg"})
    shop.inventory.published()
    assert shop.inventory.reply("delete_product", id=idle, if_match=2).status == 204
    retired, gone = shop.inventory.published()
    assert isinstance(retired, inventory.ProductUpdated) and not retired.active
    assert retired.changes == {"active": [True, False]}
    assert isinstance(gone, inventory.ProductDeleted) and (str(gone.product_id), gone.sku) == (idle, "idle")
    with pytest.raises(Refusal) as refused:
        shop.inventory.call("get_product", id=idle)
    assert refused.value.code == "not_found"


def test_an_update_of_a_product_tells_what_has_changed(shop: Shop) -> None:
    """D8: prices as the API shows them."""
    lamp = shop.product("lamp", sale_price="10")
    shop.inventory.published()
    shop.inventory.call("update_product", id=lamp, if_match=1, body={"sale_price": "12.5", "tags": ["new"]})
    (event,) = shop.inventory.published()
    assert isinstance(event, inventory.ProductUpdated)
    assert event.changes == {"sale_price": ["10.00", "12.50"], "tags": [[], ["new"]]}
    assert event.to_data()["sale_price"] == "12.50"
    (latest, _) = shop.inventory.call("history_of_products", id=lamp, query={})["data"]
    assert ("sale_price", "10.00", "12.50") in [(c["field"], c["old"], c["new"]) for c in latest["changes"]]


def test_places_exist_from_the_start_and_more_are_added(shop: Shop) -> None:
    (main,) = shop.inventory.call("list_warehouses", query={})["data"]
    usages = {place["usage"] for place in shop.inventory.call("list_locations", query={})["data"]}
    assert usages == {"internal", "supplier", "customer", "production", "inventory", "transit"}
    shelf = {"code": "A-01", "name": "Shelf", "warehouse_id": main["id"]}
    made = shop.inventory.call("create_location", body=shelf)
    renamed = shop.inventory.call("update_location", id=made["id"], if_match=1, body={"name": "Top shelf"})
    assert renamed["name"] == "Top shelf" and renamed["version"] == 2
    closed = shop.inventory.call("update_warehouse", id=main["id"], if_match=1, body={"active": False})
    assert closed["active"] is False and shop.inventory.call("get_warehouse", id=main["id"]) == closed
    for warehouse, code in ((None, "required"), (made["id"], "not_found")):
        with pytest.raises(Invalid) as refused:
            shop.inventory.call("create_location", body={**shelf, "code": "B", "warehouse_id": warehouse})
        assert [(e["pointer"], e["code"]) for e in refused.value.errors] == [("/warehouse_id", code)]
    outside = shop.inventory.call("create_location", body={"code": "C", "name": "Fair", "usage": "transit"})
    assert (outside["warehouse_id"], outside["active"]) == (None, True)


def test_products_that_only_drafts_and_invoices_name_stay(shop: Shop) -> None:
    """B4: quotes, draft orders and invoices count, drafts until they change or go; the reason says which."""
    ids = [UUID(shop.product(sku)) for sku in ("quoted", "ordered", "invoiced", "free")]
    draft = replace(_sample(sales.OrderCreated), product_ids=[ids[1]])
    shop.inventory.deliver(replace(_sample(sales.QuoteCreated), product_ids=[ids[0]]))
    shop.inventory.deliver(draft)
    shop.inventory.deliver(replace(_sample(finance.InvoiceCreated), product_ids=[ids[2]]))
    delete: Callable[[UUID], Any] = lambda id_: shop.inventory.call("delete_product", id=id_, if_match=1)  # noqa: E731
    for id_, reason in zip(ids, ("quote", "order", "invoice"), strict=False):
        with pytest.raises(Refusal) as refused:
            delete(id_)
        assert (refused.value.code, refused.value.details) == ("in_use", {"reason": reason})
    delete(ids[3])
    shop.inventory.deliver(sales.OrderDeleted(order_id=draft.order_id, number="SO-1", company_id=draft.company_id))
    delete(ids[1])


def _sample(event: type[Any]) -> Any:
    content = (ROOT / "tests/contracts/samples" / f"{event.type}.v1.json").read_text(encoding="utf-8")
    return event.from_data(json.loads(content)["data"])


def test_a_service_that_was_ordered_stays_and_an_undo_says_why(shop: Shop) -> None:
    """B4: nothing moves a service, so that only the order tells that it is used."""
    job = shop.inventory.imported("import_products", b"sku,name,type\nS-1,Pose,service\nS-2,Garantie,service\n")
    ordered, unused = sorted(shop.inventory.call("list_products", query={})["data"], key=lambda p: str(p["sku"]))
    shop.inventory.deliver(order((ordered["id"], "1"), kind="service"))
    with pytest.raises(Refusal) as refused:
        shop.inventory.call("delete_product", id=ordered["id"], if_match=1)
    assert refused.value.code == "in_use"
    undo = shop.inventory.finished(shop.inventory.call("undo_job", id=job["id"]))
    assert [undo["result"][name] for name in ("deleted", "kept", "failed")] == [1, 1, 0]
    assert [(e["row"], e["code"]) for e in undo["errors"]] == [(2, "in_use")]
    with pytest.raises(Refusal):
        shop.inventory.call("get_product", id=unused["id"])
