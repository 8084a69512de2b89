"""Who may know of which order: own, team, all, and per company. What is out of reach is not there, nor counted."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from shared.api.caller import NotAllowed
from shared.contracts.gateway import UserCreated
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.refusals import IdConflict, Invalid, NotFound
from tests.crm_sales.shop import LAMP, LUMEN, Shop, contact, product

ADA, BOB, EVE, ELSEWHERE, FREE = (new_id() for _ in range(5))
CONTACTS = "contacts.contacts:read"
Call = Callable[..., Any]


def caller(shop: Shop, actor: Any, *permissions: str, **given: Any) -> Call:
    """Operations called as somebody, who may read contacts."""
    held = permissions if any(CONTACTS in one for one in permissions) else (*permissions, CONTACTS)
    return lambda operation, **kwargs: shop.sales.call(
        operation, actor=str(actor), permissions=held, **{**given, **kwargs}
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
        for operation, given in (("get_order", {}), ("update_order", patch), ("delete_order", {"if_match": 1}),
                                 ("place_order", {"key": "k" * 20}), ("progress_of_orders", {}),
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
        ada("update_order", id=mine["id"], if_match=1, body={"owner_id": str(BOB)})
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
    shop.sales.deliver(product(other := new_id(), company_id=ELSEWHERE))
    theirs = {**body, "lines": [{"product_id": str(other), "quantity": "1"}]}
    eve = caller(shop, EVE, "sales.*:*", **there)
    made = eve("create_order", body=theirs)
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
    own(shop, ADA)("update_order", **change)
    assert own(shop, ADA)("create_order", body=body, key="c" * 20) == made
    shop.sales.call("update_order", id=made["id"], if_match="*", body={"owner_id": str(BOB)})
    for operation, given in (("create_order", {"body": body, "key": "c" * 20}), ("update_order", change)):
        with pytest.raises(NotFound):
            own(shop, ADA)(operation, **given)


def naming(shop: Shop, *permissions: str, actor: Any = ADA, **given: Any) -> list[tuple[str, dict[str, Any], Call]]:
    """Every operation that names a customer, and a document of one's own to change."""
    everybody = caller(shop, actor, "sales.*:*")
    lines = [{"product_id": str(LAMP), "quantity": "1"}]
    call = caller(shop, actor, "sales.*:*", *permissions, **given)
    body = {"customer_id": str(LUMEN), "lines": lines}
    shop.sales.deliver(contact(contact_id=FREE, owner_id=actor))
    free = {**body, "customer_id": str(FREE)}
    quote, order = (everybody(f"create_{kind}", body=free) for kind in ("quote", "order"))
    change = {"body": {"customer_id": str(LUMEN)}, "if_match": "*"}
    return [
        ("create_quote", {"body": body}, call),
        ("create_order", {"body": body}, call),
        ("preview_quote", {"body": body}, call),
        ("update_quote", {"id": quote["id"], **change}, call),
        ("update_order", {"id": order["id"], **change}, call),
    ]


@pytest.mark.parametrize("reach", ["own", "team", "all", None])
def test_a_customer_that_cannot_be_read_cannot_be_named(shop: Shop, reach: str | None) -> None:
    """D7, A4. It was named, and its name was shown. One's own, one's team's, everybody's; without the right nobody's."""
    held = f"{CONTACTS}@{reach}" if reach else f"not.{CONTACTS}"
    for owner in (ADA, BOB, EVE, None):
        shop.sales.deliver(contact(owner_id=owner))
        readable = {"own": (ADA,), "team": (ADA, BOB), "all": (ADA, BOB, EVE, None), None: ()}[reach]
        for operation, given, call in naming(shop, held, team=(ADA, BOB)):
            if owner in readable:
                call(operation, **given)
                continue
            with pytest.raises(Invalid) as refused:
                call(operation, **given)
            assert refused.value.errors == [{"pointer": "/customer_id", "code": "not_found"}], operation


def test_a_product_of_another_company_cannot_be_named(shop: Shop) -> None:
    """D7, A4. Nor a user as an owner who works elsewhere."""
    shop.sales.deliver(product(LAMP, company_id=ELSEWHERE))
    for user, companies in ((BOB, [ELSEWHERE]), (EVE, [DEFAULT_COMPANY_ID, ELSEWHERE])):
        told = {"email": "x@y.z", "name": "X", "language": "en", "roles": [], "company_id": ELSEWHERE}
        shop.sales.deliver(UserCreated(user_id=user, companies=companies, **told))
    here = caller(shop, ADA, "sales.*:*", companies=(DEFAULT_COMPANY_ID,))
    both = caller(shop, ADA, "sales.*:*", companies=(DEFAULT_COMPANY_ID, ELSEWHERE))
    body = {"customer_id": str(LUMEN), "lines": [{"product_id": str(LAMP), "quantity": "1"}], "owner_id": str(BOB)}
    with pytest.raises(Invalid) as refused:
        here("create_order", body=body)
    assert refused.value.errors == [{"pointer": "/owner_id", "code": "not_found"}]
    for operation in ("create_order", "create_quote"):
        with pytest.raises(Invalid) as refused:
            here(operation, body={**body, "owner_id": str(EVE)})
        assert refused.value.errors == [{"pointer": "/lines/0/product_id", "code": "not_found"}]
        assert both(operation, body=body)["lines"][0]["product_id"] == str(LAMP)


def test_events_of_a_record_belong_to_its_company_not_to_the_one_worked_in(shop: Shop) -> None:
    """A5: else those who see only the company worked in would be told of it."""
    there = {"companies": (ELSEWHERE,), "company_id": ELSEWHERE}
    shop.sales.deliver(product(other := new_id(), company_id=ELSEWHERE))
    lines = [{"product_id": str(other), "quantity": "1"}]
    made = shop.sales.call("create_order", body={"customer_id": str(LUMEN), "lines": lines}, **there)
    shop.sales.call("place_order", id=made["id"], key="k")  # by somebody of all companies who works in the first
    with shop.sales.session() as session:
        of_order = {"id": made["id"]}
        told = text("SELECT DISTINCT envelope::json ->> 'companyid' FROM outbox WHERE aggregate_id = :id")
        assert session.execute(told, of_order).scalars().all() == [str(ELSEWHERE)]
