"""Patterns of routing keys, and who may be told of what."""

import re
from uuid import UUID, uuid4

import pytest

from gateway.events import patterns, visibility
from gateway.events.store import Stored
from gateway.events.visibility import EVERY_COMPANY, Viewer, may_see, may_see_entirely, viewer
from gateway.identity.built_in import ROLES
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.contracts import gateway
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.schema.contract import Event


def stored(event: type[Event], company_id: UUID = DEFAULT_COMPANY_ID, companies: list[UUID] | None = None) -> Stored:
    return Stored(1, uuid4(), event.full_type, event.type, company_id, companies, "{}")


ORDERS = {e.type for e in patterns.known_events() if e.type.startswith("crm_sales.order.")}


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("crm_sales.order.*", ORDERS),
        ("crm_sales.order.#", ORDERS),
        ("crm_sales.order.placed", {"crm_sales.order.placed"}),
        ("#", {e.type for e in patterns.known_events()}),
        ("#.placed", {"crm_sales.order.placed"}),
        ("*.order.placed", {"crm_sales.order.placed"}),
        ("#.order.placed.#", {"crm_sales.order.placed"}),
        ("crm_sales.*", set()),
        ("*", set()),
        ("", set()),
        ("crm_sales..placed", set()),
        ("CRM_SALES.#", set()),
        ("crm_sales.order.placed ", set()),
    ],
)
def test_a_pattern_means_what_it_means_to_the_broker(pattern: str, matched: set[str]) -> None:
    assert {event.type for event in patterns.matching(pattern)} == matched


def test_keys_follow_the_grammar() -> None:

    assert all(re.fullmatch(patterns.GRAMMAR, event.type) for event in patterns.known_events())


def test_roles_see_what_they_may_read() -> None:
    seen = {role: visibility.visible_types(viewer(held, None)) for role, held in ROLES.items()}
    assert seen["admin"] == seen["auditor"] == {e.full_type for e in patterns.known_events()}
    assert finance.InvoiceIssued.full_type in seen["sales"] and finance.PaymentReceived.full_type not in seen["sales"]
    assert sales.QuoteAccepted.full_type not in seen["warehouse"] and sales.OrderPlaced.full_type in seen["warehouse"]


def test_only_ones_own_companies() -> None:
    clerk = viewer(("sales.*:read",), [str(DEFAULT_COMPANY_ID)])
    assert may_see(clerk, stored(sales.OrderPlaced))
    assert not may_see(clerk, stored(sales.OrderPlaced, uuid4()))
    assert not may_see(clerk, stored(finance.InvoiceIssued))
    assert not may_see_entirely(clerk, sales.OrderPlaced)
    assert may_see_entirely(viewer(("*",), None), sales.OrderPlaced)


@pytest.mark.parametrize("reach", ["@own", "@team"])
def test_whoever_sees_only_part_of_the_records_sees_no_events(reach: str) -> None:
    salesman = Viewer((f"sales.orders:read{reach}", "sales.quotes:read@all", "inventory.stock:read"), None)
    assert not may_see(salesman, stored(sales.OrderPlaced))


def test_an_event_of_several_companies_is_for_those_who_see_one_of_them() -> None:
    """A4. Whatever company it was published in."""
    one, two, other = uuid4(), uuid4(), uuid4()
    for companies, seeing in (([one, two], {one, two}), ([EVERY_COMPANY], {one, two, other}), ([], set())):
        event = stored(gateway.UserUpdated, other, companies)
        assert {c for c in (one, two, other) if may_see(viewer(("*",), [str(c)]), event)} == seeing
        assert may_see(viewer(("*",), None), event)
