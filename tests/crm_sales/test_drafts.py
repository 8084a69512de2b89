"""Writing an order: who may buy what at which price, changes, lists."""

import dataclasses
from typing import Any

import pytest
from sqlalchemy import event, text

from crm_sales.models import Customer, Product
from shared.contracts import crm_contacts as contacts
from shared.contracts import crm_sales as sales
from shared.contracts import erp_inventory as inventory
from shared.kernel.ids import new_id
from shared.kernel.refusals import BadRequest, Conflict, Invalid, NotFound, StaleVersion, VersionRequired
from shared.kernel.settings import LIMITS
from tests.crm_sales.shop import ADVICE, BOOK, CLERK, LAMP, LUMEN, UNPRICED, D, Shop, contact, product
from tests.harness import message


def test_prices_and_totals_come_from_the_server(shop: Shop) -> None:
    order = shop.draft((LAMP, 3), (BOOK, 1), (ADVICE, 2))
    assert order["number"].startswith("SO20") and order["status"] == "draft" and order["customer_name"] == "Lumen SARL"
    assert [line["net"] for line in order["lines"]] == ["149.70", "19.99", "160.00"]
    assert [line["tax_rate"] for line in order["lines"]] == ["20", "5.5", "20"]
    assert (order["net_total"], order["tax_total"], order["gross_total"]) == ("329.69", "63.04", "392.73")
    assert shop.read(order) == order and shop.told() == ["OrderCreated"]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"customer_id": str(new_id())}, "/customer_id", "not_found"),
        ({"lines": []}, "/lines", "too_short"),
        ({"lines": [{"product_id": str(new_id()), "quantity": "1"}]}, "/lines/0/product_id", "not_found"),
        ({"lines": [{"product_id": str(UNPRICED), "quantity": "1"}]}, "/lines/0/unit_price", "price_required"),
        ({"lines": [{"product_id": str(LAMP), "quantity": "0"}]}, "/lines/0/quantity", "not_positive"),
        (
            {"lines": [{"product_id": str(LAMP), "quantity": "1", "unit_price": "1"}]},
            "/lines/0/unit_price",
            "price_override_forbidden",
        ),
        ({"currency": "XXX"}, "/currency", "invalid_choice"),
        ({"currency": "USD"}, "/lines/0/unit_price", "price_required"),
        ({"discount": "10"}, "/discount", "unknown_field"),
    ],
)
def test_what_is_refused(shop: Shop, change: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        shop.draft(**change)
    assert refusal.value.errors == [{"pointer": pointer, "code": code}]


def test_a_manager_may_agree_on_a_price_and_a_currency(shop: Shop) -> None:
    line = {"product_id": str(LAMP), "quantity": "3", "unit_price": "33.333", "discount_percent": "10"}
    body = {"customer_id": str(LUMEN), "currency": "JPY", "lines": [line]}
    order = shop.sales.call("create_order", body=body, permissions=[*CLERK, "sales.prices:override"])
    assert (order["net_total"], order["tax_total"], order["gross_total"]) == ("90.00", "18.00", "108.00")


def test_archived_contacts_and_retired_products_are_not_sold_to_or_sold(shop: Shop) -> None:
    order = shop.draft()
    shop.hear(product(BOOK, active=False), contact(status="archived"))
    with pytest.raises(Invalid) as refusal:
        shop.sales.call("place_order", id=order["id"], key="k" * 16)
    assert (refusal.value.code, refusal.value.errors[0]["pointer"]) == ("customer_not_active", "/customer_id")
    shop.hear(contact(status="active"))
    with pytest.raises(Invalid) as refusal:
        shop.draft((BOOK, 1))
    assert refusal.value.errors == [{"pointer": "/lines/0/product_id", "code": "not_sellable"}]


def test_an_old_event_does_not_overwrite_a_copy(shop: Shop) -> None:
    assert shop.sales.deliver(contact(name="Lumen & Fils"), sequence=7) == "done"
    assert shop.sales.deliver(contact(name="Lumen"), sequence=6) == "skipped"
    assert shop.draft()["customer_name"] == "Lumen & Fils"


def test_a_draft_is_changed_and_deleted(shop: Shop) -> None:
    order = shop.draft((LAMP, 1), (BOOK, 1))
    patch = {"reference": "PO 7", "lines": [{"id": order["lines"][0]["id"], "product_id": str(LAMP), "quantity": "5"}]}
    changed = shop.sales.call("update_order", id=order["id"], if_match=1, body=patch, permissions=CLERK)
    assert (changed["net_total"], changed["reference"], changed["version"]) == ("249.50", "PO 7", 2)
    assert [line["id"] for line in changed["lines"]] == [order["lines"][0]["id"]]
    assert shop.read(order) == changed
    with pytest.raises(Invalid) as refusal:
        shop.sales.call("update_order", id=order["id"], if_match=2, body={"currency": "USD"})
    assert refusal.value.errors == [{"pointer": "/lines", "code": "required"}]
    with pytest.raises(Invalid) as refusal:
        shop.sales.call("update_order", id=order["id"], if_match=2, body={"lines": [{"quantity": "1"}]})
    assert refusal.value.errors == [{"pointer": "/lines/0/product_id", "code": "required"}]
    shop.sales.call("delete_order", id=order["id"], if_match=2)
    with pytest.raises(NotFound):
        shop.read(order)


def test_the_life_of_a_draft_is_told(shop: Shop) -> None:
    """D8: made, changed (with old and new values), cancelled, deleted."""
    order, other = shop.draft((LAMP, 1)), shop.draft((BOOK, 1))
    first, _ = shop.sales.published()
    assert isinstance(first, sales.OrderCreated) and (first.status, first.number) == ("draft", order["number"])
    assert first.to_data()["net_total"] == "49.90" and first.quote_id is None
    body = {"reference": "PO 7", "lines": [{"product_id": str(LAMP), "quantity": "2"}]}
    shop.sales.call("update_order", id=order["id"], if_match=1, body=body)
    (changed,) = shop.sales.published()
    assert isinstance(changed, sales.OrderChanged) and changed.gross_total == D("119.76")
    line = {"product_id": str(LAMP), "unit_price": "49.90", "discount_percent": "0", "tax_code": "S20"}
    assert changed.changes == {
        "reference": [None, "PO 7"], "net_total": ["49.90", "99.80"], "tax_total": ["9.98", "19.96"],
        "gross_total": ["59.88", "119.76"],
        "lines": [[line | {"quantity": "1", "net": "49.90"}], [line | {"quantity": "2", "net": "99.80"}]],
    }  # fmt: skip
    shop.sales.call("cancel_order", id=order["id"], body={"reason": "a mistake"})
    (cancelled,) = shop.sales.published()
    assert isinstance(cancelled, sales.OrderChanged) and cancelled.status == "cancelled"
    assert cancelled.changes["status"] == ["draft", "cancelled"]
    assert cancelled.changes["cancel_reason"] == [None, "a mistake"]
    shop.sales.call("delete_order", id=other["id"], if_match=1)
    (deleted,) = shop.sales.published()
    assert isinstance(deleted, sales.OrderDeleted) and str(deleted.order_id) == other["id"]


def test_the_events_of_the_largest_draft_fit(shop: Shop) -> None:
    """D8: old and new lines of an order of 500 lines stay below the largest message."""
    order = shop.draft(*[(LAMP, 1)] * 500)
    lines = [{"product_id": str(BOOK), "quantity": "2", "description": "é" * 500}] * 500
    shop.sales.call("update_order", id=order["id"], if_match=1, body={"lines": lines})
    *_, changed = shop.sales.published()
    assert isinstance(changed, sales.OrderChanged)
    assert len(message(changed, new_id())) < LIMITS.largest_message / 2


def test_a_deleted_contact_or_product_is_forgotten_unless_a_document_names_it(shop: Shop) -> None:
    """D8: the copies follow; what a document names stays readable, but is not sold to or sold any more."""
    order, stranger, unused = shop.draft((LAMP, 1)), new_id(), new_id()
    shop.hear(contact(contact_id=stranger), product(unused))
    for contact_id in (stranger, LUMEN):
        shop.hear(contacts.ContactDeleted(contact_id=contact_id))
    for product_id in (unused, LAMP):
        shop.hear(inventory.ProductDeleted(product_id=product_id, sku="x"))
    with shop.sales.session() as session:
        assert session.get(Customer, stranger) is None and session.get(Product, unused) is None
        assert session.get_one(Customer, LUMEN).status == "erased" and not session.get_one(Product, LAMP).active
    assert shop.read(order)["customer_name"] == "Lumen SARL"
    with pytest.raises(Invalid) as refusal:
        shop.sales.call("place_order", id=order["id"], key="k" * 16)
    assert refusal.value.code == "customer_not_active"
    assert shop.sales.deliver(contact(contact_id=stranger), sequence=1) == "skipped"


def test_an_archived_contact_is_known_as_such(shop: Shop) -> None:
    """D8: whichever of the two events is heard."""
    told = {f.name: getattr(contact(status="archived"), f.name) for f in dataclasses.fields(contacts.ContactState)}
    shop.hear(contacts.ContactArchived(**told))
    with shop.sales.session() as session:
        assert session.get_one(Customer, LUMEN).status == "archived"


def test_a_stale_version_is_refused(shop: Shop) -> None:
    order = shop.draft()
    with pytest.raises(VersionRequired):
        shop.sales.call("update_order", id=order["id"], body={"reference": "x"})
    shop.sales.call("update_order", id=order["id"], if_match=1, body={"reference": "x"})
    with pytest.raises(StaleVersion):
        shop.sales.call("update_order", id=order["id"], if_match=1, body={"reference": "y"})


def test_a_placed_order_is_frozen(shop: Shop) -> None:
    order = shop.place()
    for operation, given in (("update_order", {"body": {"reference": "x"}}), ("delete_order", {})):
        with pytest.raises(Conflict) as refusal:
            shop.sales.call(operation, id=order["id"], if_match=order["version"], **given)
        assert refusal.value.code == "not_editable"


def test_placing_twice_with_one_key_is_placing_once(shop: Shop) -> None:
    order = shop.draft()
    first = shop.sales.reply("place_order", id=order["id"], key="k" * 16)
    again = shop.sales.reply("place_order", id=order["id"], key="k" * 16)
    assert again.replayed and (again.body, again.event_ids) == (first.body, first.event_ids)
    assert shop.told() == ["OrderCreated", "OrderPlaced"]
    with pytest.raises(Conflict) as refusal:
        shop.sales.call("place_order", id=order["id"], key="j" * 16)
    assert (refusal.value.code, refusal.value.details["allowed"]) == ("invalid_transition", ["cancel", "resume"])


def test_the_same_id_is_the_same_order(shop: Shop) -> None:
    chosen = str(new_id())
    assert shop.draft(id=chosen) == shop.draft(id=chosen)
    with pytest.raises(Conflict) as refusal:
        shop.draft((BOOK, 1), id=chosen)
    assert refusal.value.code == "id_conflict"


def _found(shop: Shop, **query: str) -> list[str]:
    return [order["number"] for order in shop.sales.call("list_orders", query={"sort": "number", **query})["data"]]


def test_lists_are_filtered_and_sorted(shop: Shop) -> None:
    small, placed, large = shop.draft((BOOK, 1)), shop.place((LAMP, 1)), shop.confirm((LAMP, 9))
    numbers = [order["number"] for order in (small, placed, large)]
    assert _found(shop) == numbers
    assert _found(shop, status="placed") == [numbers[1]]
    assert _found(shop, delivery_status="reserved", invoice_status="none", payment_status="none") == [numbers[2]]
    assert _found(shop, customer_id=str(LUMEN), **{"gross_total[gte]": "50"}) == numbers[1:]
    assert _found(shop, customer_id=str(new_id())) == []
    assert _found(shop, number=numbers[0]) == numbers[:1]
    assert _found(shop, **{"created_at[gt]": small["created_at"]}) == numbers[1:]
    assert _found(shop, sort="-gross_total") == numbers[::-1]
    assert _found(shop, q="lumen") == numbers
    with pytest.raises(BadRequest):
        _found(shop, colour="blue")


def test_pages_carry_lines_and_follow_each_other(shop: Shop) -> None:
    numbers = [shop.draft()["number"] for _ in range(5)]
    page = shop.sales.call("list_orders", query={"limit": "2", "sort": "-gross_total,number", "include_total": "true"})
    assert page["total"] == 5 and all(order["lines"] for order in page["data"])
    seen = page["data"]
    while page["next_cursor"]:
        query = {"limit": "2", "sort": "-gross_total,number", "cursor": page["next_cursor"]}
        page = shop.sales.call("list_orders", query=query)
        seen += page["data"]
    assert [order["number"] for order in seen] == numbers


def test_the_history_counts_what_became_of_the_lines(shop: Shop) -> None:
    order = shop.draft((LAMP, 1), (BOOK, 2))
    more = [{"product_id": str(LAMP), "quantity": "1"}, {"product_id": str(BOOK), "quantity": "5"}]
    shop.sales.call("update_order", id=order["id"], body={"lines": more}, if_match=1)
    told = shop.sales.call("history_of_orders", id=order["id"])["data"]
    assert [e["effect"] for e in told] == ["changed", "created"]
    assert {"field": "lines", "label": "Lines", "old": None, "new": {"added": 2}} in told[0]["changes"]
    (latest, _) = shop.sales.call("history_of_orders", id=order["id"], language="fr")["data"]
    assert {c["label"] for c in latest["changes"]} >= {"Lignes", "Total HT"}, "the names that the declaration has"
    assert not {"number", "status", "credit_status"} & {c["field"] for c in told[0]["changes"]}


_MANY_ORDERS = """
    INSERT INTO sales_order SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(), 'number', 'X' || n))).*
    FROM sales_order AS o, generate_series(1, 2000) AS n
"""
_THEIR_LINES = """
    INSERT INTO order_line SELECT (jsonb_populate_record(l, jsonb_build_object(
        'id', gen_random_uuid(), 'order_id', o.id, 'product_id', CAST(:product AS uuid)))).*
    FROM order_line AS l, sales_order AS o WHERE o.id <> l.order_id
"""


def test_orders_are_found_by_the_products_of_their_lines(shop: Shop) -> None:
    """D3/D4: `product_id` looks into the lines, by an index."""
    order = shop.draft((LAMP, 3))
    with shop.sales.session() as session:
        session.execute(text(_MANY_ORDERS))
        session.execute(text(_THEIR_LINES), {"product": BOOK})
        session.commit()
    sent: list[str] = []
    event.listen(shop.sales.engine, "before_cursor_execute", lambda _c, cursor, statement, values, *_: sent.append(
        cursor.mogrify(statement, values).decode() if "FROM sales_order" in statement else ""))  # fmt: skip
    asked = {"product_id": str(LAMP), "include_total": "true"}
    page = shop.sales.call("list_orders", query=asked)
    assert ([row["id"] for row in page["data"]], page["total"]) == ([order["id"]], 1)
    statement = next(found for found in sent if "ORDER BY" in found)
    with shop.sales.session() as session:
        plan = str(session.connection().exec_driver_sql("EXPLAIN " + statement.replace("%", "%%")).all())
    assert "ix_order_line_product_id" in plan and "Seq Scan" not in plan, plan


def test_a_draft_tells_that_its_customer_or_its_currency_keeps_it_from_being_placed(shop: Shop) -> None:
    """`?with=verbs` says what the verb is then refused with."""

    def told_and_answered(order: dict[str, Any]) -> tuple[str | None, str]:
        told = shop.sales.verbs("get_order", id=order["id"])["place"]
        return told, shop.sales.refused("place_order", id=order["id"], key=f"place-{order['id']}")

    order = shop.draft()
    line = {"product_id": str(LAMP), "quantity": "1", "unit_price": "10"}
    body = {"customer_id": str(LUMEN), "currency": "USD", "lines": [line]}
    foreign = shop.sales.call("create_order", body=body)
    assert shop.sales.verbs("get_order", id=order["id"])["place"] is None
    assert told_and_answered(foreign) == ("foreign_currency",) * 2
    shop.hear(contact(status="archived"))
    assert told_and_answered(order) == ("customer_not_active",) * 2
    assert told_and_answered(foreign) == ("foreign_currency",) * 2
    cancelled = shop.sales.call("cancel_order", id=order["id"], body={"reason": "archived"})
    assert told_and_answered(cancelled) == ("invalid_transition",) * 2
