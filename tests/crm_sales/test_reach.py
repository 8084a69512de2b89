"""Who may know of which order: own, team, all, and per company. What is out of reach is not there, nor counted."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.caller import NotAllowed
from shared.contracts.gateway import UserCreated
from shared.ids import DEFAULT_COMPANY_ID, new_id
from shared.refusals import IdConflict, Invalid, NotFound
from tests.crm_sales.shop import LAMP, LUMEN, Shop

ADA, BOB, EVE, ELSEWHERE = new_id(), new_id(), new_id(), new_id()
Call = Callable[..., Any]


def caller(shop: Shop, actor: Any, *permissions: str, **given: Any) -> Call:
    """Operations called as somebody."""
    return lambda operation, **kwargs: shop.sales.call(
        operation, actor=str(actor), permissions=permissions, **{**given, **kwargs}
    )


def own(shop: Shop, actor: Any) -> Call:
    return caller(shop, actor, "sales.orders:read@own", "sales.orders:write@own")


def totals(call: Call) -> tuple[int, int]:
    found = call("list_orders", query={"include_total": "true"})
    return len(found["data"]), found["total"]


@pytest.fixture
def orders(shop: Shop) -> dict[Any, dict[str, Any]]:
    """One order of Ada, one of Bob, one of nobody."""
    know(shop)
    return {owner: shop.draft(**({"owner_id": str(owner)} if owner else {})) for owner in (ADA, BOB, None)}


def know(shop: Shop) -> None:
    """Let sales hear of the users."""
    for user in (ADA, BOB):
        shop.sales.deliver(UserCreated(user_id=user, email="x@y.z", name="X", language="en", roles=[], company_id=user))


def test_lists_and_totals_are_cut_to_the_reach(shop: Shop, orders: dict[Any, Any]) -> None:
    assert totals(own(shop, ADA)) == (1, 1)
    assert totals(own(shop, EVE)) == (0, 0)
    assert totals(caller(shop, ADA, "sales.orders:read@team", team=(BOB,))) == (2, 2)
    assert totals(caller(shop, ADA, "sales.orders:read")) == (3, 3)
    assert totals(caller(shop, ADA, "sales.orders:read@own", "sales.*:read")) == (3, 3)
    assert totals(caller(shop, "import", "sales.orders:read@own")) == (0, 0)
    found = own(shop, ADA)("list_orders", query={"owner_id": str(BOB)})
    assert found["data"] == []


def test_what_is_out_of_reach_is_not_there(shop: Shop, orders: dict[Any, Any]) -> None:
    ada = own(shop, ADA)
    assert ada("get_order", id=orders[ADA]["id"])["owner_id"] == str(ADA)
    for owner in (BOB, None):
        theirs = orders[owner]["id"]
        patch = {"body": {"requested_date": "2027-01-01"}, "if_match": 1}
        for operation, given in (("get_order", {}), ("patch_order", patch), ("delete_order", {"if_match": 1}),
                                 ("place_order", {"key": "k" * 20}), ("get_progress", {}),
                                 ("history_of_orders", {"query": {}})):  # fmt: skip
            with pytest.raises(NotFound) as refused:
                ada(operation, id=theirs, **given)
            assert refused.value.to_wire("en")["code"] == "not_found"
        assert shop.read(orders[owner])["version"] == 1


def test_the_history_of_ones_own_is_within_reach(shop: Shop, orders: dict[Any, Any]) -> None:
    assert len(own(shop, ADA)("history_of_orders", id=orders[ADA]["id"], query={})["data"]) == 1


def test_who_reaches_less_than_all_owns_what_they_make(shop: Shop) -> None:
    body = {"customer_id": str(LUMEN), "lines": [{"product_id": str(LAMP), "quantity": "1"}]}
    ada = own(shop, ADA)
    assert ada("create_order", body=body)["owner_id"] == str(ADA)
    for wrong in (str(BOB), None):
        with pytest.raises(Invalid) as refused:
            ada("create_order", body={**body, "owner_id": wrong})
        assert refused.value.errors == [{"pointer": "/owner_id", "code": "not_found"}]
    mine = ada("create_order", body=body)
    with pytest.raises(Invalid):
        ada("patch_order", id=mine["id"], if_match=1, body={"owner_id": str(BOB)})
    team = caller(shop, ADA, "sales.orders:write@team", team=(BOB,))
    assert team("create_order", body={**body, "owner_id": str(BOB)})["owner_id"] == str(BOB)


def test_somebody_elses_id_is_taken_but_not_shown(shop: Shop) -> None:
    know(shop)
    chosen = str(new_id())
    lines = [{"product_id": str(LAMP), "quantity": "1"}]
    body = {"id": chosen, "customer_id": str(LUMEN), "lines": lines, "owner_id": str(BOB)}
    shop.sales.call("create_order", body=body)
    with pytest.raises(IdConflict):
        own(shop, ADA)("create_order", body={k: v for k, v in body.items() if k != "owner_id"})
    with pytest.raises(IdConflict):
        caller(shop, ADA, "sales.orders:write", companies=(ELSEWHERE,), company_id=ELSEWHERE)("create_order", body=body)


def test_a_batch_reaches_no_further(shop: Shop, orders: dict[Any, Any]) -> None:
    items = [
        {"op": "update", "id": orders[BOB]["id"], "if_match": 1, "data": {"requested_date": "2027-01-01"}},
        {"op": "upsert", "id": orders[BOB]["id"], "data": {"requested_date": "2027-01-01"}},
        {"op": "update", "id": orders[ADA]["id"], "if_match": 1, "data": {"requested_date": "2027-01-01"}},
    ]
    results = own(shop, ADA)("batch_orders", body={"operations": items})["results"]
    assert [result["status"] for result in results] == [404, 404, 200]
    assert shop.read(orders[BOB])["version"] == 1


def test_what_has_no_owner_needs_all(shop: Shop) -> None:
    """Previewing a quote reads no record, so it cannot be cut to one's own."""
    body = {"customer_id": str(LUMEN), "lines": [{"product_id": str(LAMP), "quantity": "1"}]}
    with pytest.raises(NotAllowed):
        caller(shop, ADA, "sales.quotes:*@own", "sales.quotes:write@own")("preview_quote", body=body)


def test_companies_divide_the_records(shop: Shop, orders: dict[Any, Any]) -> None:
    there = {"companies": (ELSEWHERE,), "company_id": ELSEWHERE}
    body = {"customer_id": str(LUMEN), "lines": [{"product_id": str(LAMP), "quantity": "1"}]}
    eve = caller(shop, EVE, "sales.*:*", **there)
    made = eve("create_order", body=body)
    assert made["company_id"] == str(ELSEWHERE), "what is made belongs to the company worked in"
    assert totals(eve) == (1, 1)
    assert totals(caller(shop, EVE, "sales.*:*", companies=(DEFAULT_COMPANY_ID, ELSEWHERE))) == (4, 4)
    assert totals(caller(shop, EVE, "sales.*:*", companies=())) == (0, 0)
    for operation, given in (("get_order", {}), ("place_order", {"key": "k" * 20}),
                             ("history_of_orders", {"query": {}})):  # fmt: skip
        with pytest.raises(NotFound):
            eve(operation, id=orders[ADA]["id"], **given)
    with pytest.raises(NotFound):
        caller(shop, ADA, "*", companies=(DEFAULT_COMPANY_ID,))("get_order", id=made["id"])
    with pytest.raises(Invalid) as refused:
        eve("create_order", body={**body, "company_id": str(DEFAULT_COMPANY_ID)})
    assert refused.value.errors == [{"pointer": "/company_id", "code": "not_found"}]


def test_what_was_deleted_is_read_with_todays_reach(shop: Shop, orders: dict[Any, Any]) -> None:
    """A5. Whoever deleted something read its history, and was given the answer again, when it was out of their reach."""
    history, gone = "history_of_orders", orders[ADA]["id"]
    given = {"id": gone, "if_match": 1, "key": "d" * 20}
    own(shop, ADA)("delete_order", **given)
    far = caller(shop, ADA, "sales.orders:read", "sales.orders:write")
    for reaching in (own(shop, ADA), far):
        assert reaching(history, id=gone, query={})["data"][0]["effect"] == "deleted"
        assert reaching("delete_order", **given) is None
    elsewhere = {"companies": (ELSEWHERE,), "company_id": ELSEWHERE}
    there = caller(shop, ADA, "sales.orders:read", "sales.orders:write", **elsewhere)
    auditors = [caller(shop, EVE, "*:read", **given) for given in ({}, {"companies": (DEFAULT_COMPANY_ID,)})]
    for auditor in auditors:
        assert auditor(history, id=gone, query={})["data"][0]["effect"] == "deleted"
    for refused in (there, caller(shop, EVE, "*:read", **elsewhere), caller(shop, EVE, "*:read@own"), own(shop, EVE)):
        with pytest.raises(NotFound):
            refused(history, id=gone, query={})
    with pytest.raises(NotFound):
        there("delete_order", **given)


def test_an_answer_is_repeated_to_who_still_reaches_it(shop: Shop, orders: dict[Any, Any]) -> None:
    """A5. Made with one's own reach, asked for again after the record went to somebody else."""
    body = {"customer_id": str(LUMEN), "lines": [{"product_id": str(LAMP), "quantity": "1"}]}
    made = own(shop, ADA)("create_order", body=body, key="c" * 20)
    change = {"id": made["id"], "if_match": 1, "body": {"requested_date": "2027-01-01"}, "key": "p" * 20}
    own(shop, ADA)("patch_order", **change)
    assert own(shop, ADA)("create_order", body=body, key="c" * 20) == made
    shop.sales.call("patch_order", id=made["id"], if_match="*", body={"owner_id": str(BOB)})
    for operation, given in (("create_order", {"body": body, "key": "c" * 20}), ("patch_order", change)):
        with pytest.raises(NotFound):
            own(shop, ADA)(operation, **given)
