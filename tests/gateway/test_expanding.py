"""What `expand` puts beside the ids, and how few calls that takes."""

import asyncio
import json
from typing import Any

import pytest

from gateway.calls.expanding import Plan, expandable, plan
from gateway.calls.rpc import Reply
from gateway.errors import InvalidParameter, ServiceDown
from gateway.http.access import NotAllowed, Principal
from shared.contracts import operations
from shared.kernel.ids import new_id
from shared.schema.contract import Operation

ORDERS, ORDER = (operations()["crm_sales"][name] for name in ("list_orders", "get_order"))


def principal(*permissions: str) -> Principal:
    return Principal("u", "Ada", (), permissions, "c", 0.0, "t")


class Services:
    """Answers list calls from what it holds, and remembers them."""

    def __init__(self, **held: list[dict[str, Any]]) -> None:
        self.held, self.calls, self.down = held, [], set[str]()

    async def fetch(self, operation: Operation, query: dict[str, str]) -> Reply:
        name = operation.path.rpartition("/")[2]
        self.calls.append((name, len(query["id[in]"].split(","))))
        if name in self.down:
            raise ServiceDown
        ids = query["id[in]"].split(",")
        data = [dict(one) for one in self.held.get(name, []) if one["id"] in ids]
        body = json.dumps({"error": None, "result": {"data": data, "next_cursor": None}}).encode()
        return Reply(body, {"liaison.status": 200})


def planned(expand: str, operation: Operation = ORDERS, **query: str) -> tuple[Plan, dict[str, Any]]:
    asked: dict[str, Any] = {"expand": expand, **query}
    made = plan(operation, asked, principal("*"))
    assert made is not None
    return made, asked


def carry_out(made: Plan, result: Any, services: Services, is_list: bool = True) -> list[str]:
    return asyncio.run(made.carry_out(result, is_list, services.fetch))


def test_names_come_from_the_contracts() -> None:
    assert ORDERS.response is not None
    known = set(expandable(ORDERS.response))
    assert {"customer", "lines.product", "quote", "quote.customer", "company"} <= known
    assert not [name for name in known if name.count(".") > 1]


def test_one_call_per_resource_and_level() -> None:
    contacts = [{"id": str(new_id()), "name": f"c{n}", "parent_id": None} for n in range(3)]
    products = [{"id": str(new_id()), "name": f"p{n}"} for n in range(5)]
    quote = {"id": str(new_id()), "customer_id": contacts[2]["id"]}
    orders = [
        {
            "id": str(n),
            "customer_id": contacts[n % 2]["id"],
            "quote_id": quote["id"] if n == 0 else None,
            "lines": [{"product_id": product["id"]} for product in products],
        }
        for n in range(50)
    ]
    services = Services(contacts=contacts, products=products, quotes=[quote])
    result = {"data": orders}
    assert carry_out(planned("customer,lines.product,quote.customer")[0], result, services) == []
    assert sorted(services.calls) == [("contacts", 1), ("contacts", 2), ("products", 5), ("quotes", 1)]
    first, second = result["data"][:2]
    assert first["customer"]["name"] == "c0" and first["quote"]["customer"]["name"] == "c2"
    assert second["customer"]["name"] == "c1" and second["quote"] is None
    assert [line["product"]["name"] for line in second["lines"]] == ["p0", "p1", "p2", "p3", "p4"]


def test_many_ids_go_in_chunks() -> None:
    orders = [{"id": str(n), "lines": [{"product_id": str(new_id())} for _ in range(50)]} for n in range(9)]
    services = Services()
    carry_out(planned("lines.product")[0], {"data": orders}, services)
    assert sorted(services.calls) == [("products", 50), ("products", 200), ("products", 200)]


def test_what_is_not_found_is_null_and_nothing_is_asked_for_nothing() -> None:
    services = Services()
    order = {"id": "1", "customer_id": str(new_id()), "quote_id": None}
    assert carry_out(planned("customer,quote.customer", ORDER)[0], order, services, is_list=False) == []
    assert order["customer"] is None and order["quote"] is None and services.calls == [("contacts", 1)]


def test_a_service_that_is_down_leaves_null_and_is_named() -> None:
    services = Services(contacts=[])
    services.down = {"products", "quotes"}
    order = {"customer_id": str(new_id()), "quote_id": str(new_id()), "lines": [{"product_id": str(new_id())}]}
    unresolved = carry_out(planned("customer,quote.customer,lines.product", ORDER)[0], order, services, is_list=False)
    assert unresolved == ["quote", "lines.product"]
    assert order["quote"] is None and order["lines"] == [{**order["lines"][0], "product": None}]


def test_ids_are_asked_for_and_taken_out_again() -> None:
    made, asked = planned("customer,lines.product", fields="number,lines")
    assert asked == {"fields": "number,lines,customer_id"}
    order = {"number": "SO1", "customer_id": str(new_id()), "lines": []}
    carry_out(made, {"data": [order]}, Services())
    assert order == {"number": "SO1", "customer": None, "lines": []}


@pytest.mark.parametrize("expand", ["", "colour", "customer,", "lines", "customer.parent.parent", ["customer"]])
def test_what_cannot_be_expanded_is_refused(expand: Any) -> None:
    with pytest.raises(InvalidParameter) as refused:
        plan(ORDERS, {"expand": expand}, principal("*"))
    assert "lines.product" in refused.value.details["allowed"]


def test_each_step_needs_its_permission() -> None:
    for expand, missing in (("customer", "contacts.contacts:read"), ("quote.customer", "contacts.contacts:read")):
        with pytest.raises(NotAllowed) as refused:
            plan(ORDERS, {"expand": expand}, principal("sales.*:read"))
        assert refused.value.details["permission"] == missing


def test_commands_expand_nothing() -> None:
    with pytest.raises(InvalidParameter):
        plan(operations()["crm_sales"]["create_order"], {"expand": "customer"}, principal("*"))
