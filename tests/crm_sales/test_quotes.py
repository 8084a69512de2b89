"""Offers: previewed, sent, accepted in time, revised; each verb only where it makes sense."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from crm_sales.errors import NotEditable, QuoteExpired
from crm_sales.models import Quote
from crm_sales.pricing import PricedLine
from shared.contracts import crm_sales as sales
from shared.contracts.crm_sales import OrderCreated, QuoteAccepted, QuoteRefused, QuoteSent
from shared.kernel import clock
from shared.kernel.ids import new_id
from shared.kernel.refusals import Conflict, Invalid, InvalidTransition
from tests.crm_sales.shop import ADVICE, BOOK, CLERK, LAMP, LUMEN, D, Shop, product
from tests.days import present_day

TODAY = date(2026, 3, 1)


def _quote() -> Quote:
    line = PricedLine(new_id(), LAMP, "goods", "Lamp", D(1), "piece", D(10), D(0), "S20", D(20), D(10))
    columns = {"id": new_id(), "customer_id": LUMEN, "customer_name": "Lumen", "company_id": new_id()}
    return Quote.draft("QU2026-000001", {**columns, "valid_until": TODAY}, [line])


ACTS: dict[str, Callable[[Quote], Any]] = {
    "send": lambda quote: quote.send(TODAY),
    "accept": lambda quote: quote.accept(new_id(), TODAY),
    "refuse": lambda quote: quote.refuse("too dear"),
    "revise": lambda quote: quote.revise(),
    "cancel": lambda quote: quote.cancel(),
}
LEADS_TO = {
    ("draft", "send"): "sent",
    ("draft", "cancel"): "cancelled",
    ("sent", "accept"): "accepted",
    ("sent", "refuse"): "refused",
    ("sent", "revise"): "draft",
    ("sent", "cancel"): "cancelled",
    ("refused", "revise"): "draft",
    ("expired", "revise"): "draft",
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", sales.Quote.status.choices)
def test_every_verb_in_every_state(state: str, act: str) -> None:
    quote = _quote()
    quote.status = state
    if (state, act) in LEADS_TO:
        ACTS[act](quote)
        assert quote.status == LEADS_TO[state, act]
        return
    with pytest.raises(InvalidTransition) as refusal:
        ACTS[act](quote)
    assert refusal.value.details == {"state": state, "allowed": [verb for start, verb in LEADS_TO if start == state]}


def test_an_offer_binds_until_its_date_included() -> None:
    quote = _quote()
    quote.send(TODAY)
    with pytest.raises(QuoteExpired):
        quote.accept(new_id(), TODAY + timedelta(days=1))
    assert quote.accept(new_id(), TODAY).number == quote.number


def _make(shop: Shop, **given: Any) -> dict[str, Any]:
    lines = [
        {"product_id": str(LAMP), "quantity": "2", "discount_percent": "5"},
        {"product_id": str(ADVICE), "quantity": "1"},
    ]
    quote: dict[str, Any] = shop.sales.call("create_quote", body={"customer_id": str(LUMEN), "lines": lines, **given})
    return quote


def test_a_preview_stores_nothing(shop: Shop) -> None:
    lines = [{"product_id": str(LAMP), "quantity": "2"}, {"product_id": str(BOOK), "quantity": "1"}]
    preview = shop.sales.call("preview_quote", body={"lines": lines, "customer_id": str(LUMEN)})
    assert (preview["net_total"], preview["tax_total"], preview["gross_total"]) == ("119.79", "21.06", "140.85")
    assert preview["taxes"] == [
        {"tax_code": "S20", "rate": "20", "base": "99.80", "amount": "19.96"},
        {"tax_code": "S5.5", "rate": "5.5", "base": "19.99", "amount": "1.10"},
    ]
    assert shop.sales.call("list_quotes", query={})["data"] == []
    with pytest.raises(Invalid):
        shop.sales.call("preview_quote", body={"lines": lines, "customer_id": str(new_id())})


def test_an_accepted_quote_becomes_an_order_at_its_prices(shop: Shop) -> None:
    quote = _make(shop, reference="PO 9", payment_terms="net_45")
    shop.sales.call("send_quote", id=quote["id"])
    shop.hear(product(LAMP, sale_price=D(99)))
    drafted, sent = shop.sales.published()
    assert isinstance(drafted, sales.QuoteCreated) and drafted.product_ids == sorted((LAMP, ADVICE))
    assert isinstance(sent, QuoteSent) and sent.to_data()["gross_total"] == quote["gross_total"]
    accepted = shop.sales.call("accept_quote", id=quote["id"], key="accept-" + quote["id"])
    created, event = shop.sales.published()
    assert isinstance(created, OrderCreated) and str(created.quote_id) == quote["id"]
    order = shop.sales.call("get_order", id=accepted["order_id"])
    assert isinstance(event, QuoteAccepted) and str(event.order_id) == order["id"]
    assert (accepted["status"], order["status"], order["quote_id"]) == ("accepted", "draft", quote["id"])
    assert (order["reference"], order["payment_terms"]) == ("PO 9", "net_45")
    assert order["gross_total"] == quote["gross_total"] == "209.77"
    assert shop.sales.call("accept_quote", id=quote["id"], key="accept-" + quote["id"]) == accepted
    with pytest.raises(InvalidTransition):
        shop.sales.call("accept_quote", id=quote["id"], key="accept-again-" + quote["id"])
    assert shop.sales.call("place_order", id=order["id"], key="k" * 16)["status"] == "placed"


def test_a_sent_quote_is_changed_by_revising_it(shop: Shop) -> None:
    """D8: each step of a quote is told: refused, revised, cancelled."""
    quote = _make(shop)
    shop.sales.call("send_quote", id=quote["id"])
    with pytest.raises(Conflict) as refusal:
        shop.sales.call("update_quote", id=quote["id"], if_match=2, body={"reference": "x"})
    assert refusal.type is NotEditable
    shop.sales.published()
    refused = shop.sales.call("refuse_quote", id=quote["id"], body={"reason": "too dear"})
    (told,) = shop.sales.published()
    assert isinstance(told, QuoteRefused) and (told.reason, told.number) == ("too dear", quote["number"])
    assert (refused["status"], refused["refusal_reason"]) == ("refused", "too dear")
    revised = shop.sales.call("revise_quote", id=quote["id"])
    assert (revised["status"], revised["revision"], revised["number"]) == ("draft", 2, quote["number"])
    (told,) = shop.sales.published()
    assert isinstance(told, sales.QuoteRevised) and (told.revision, told.number) == (2, quote["number"])
    lines = [{"product_id": str(LAMP), "quantity": "1", "unit_price": "10"}]
    with pytest.raises(Invalid):
        shop.sales.call("update_quote", id=quote["id"], if_match=4, body={"lines": lines}, permissions=CLERK)
    changed = shop.sales.call("update_quote", id=quote["id"], if_match=4, body={"lines": lines})
    assert (changed["net_total"], len(changed["lines"])) == ("10.00", 1)
    assert shop.sales.call("cancel_quote", id=quote["id"])["status"] == "cancelled"
    patched, told = shop.sales.published()
    assert isinstance(patched, sales.QuoteChanged) and (patched.product_ids, [*patched.changes]) == (
        [LAMP], ["net_total", "tax_total", "gross_total", "lines"],
    )  # fmt: skip
    assert isinstance(told, sales.QuoteCancelled) and (str(told.quote_id), told.customer_id) == (quote["id"], LUMEN)


def test_a_draft_past_its_date_is_not_sent(shop: Shop) -> None:
    """C6: an offer that has ended binds nobody; with a later date, or without one, it is sent."""
    quote = _make(shop, valid_until=present_day().isoformat())
    with clock.shifted(timedelta(days=1)):
        with pytest.raises(QuoteExpired) as refusal:
            shop.sales.call("send_quote", id=quote["id"])
        assert refusal.value.code == "quote_expired"
        assert shop.sales.call("get_quote", id=quote["id"])["status"] == "draft"
        body = {"valid_until": present_day().isoformat()}
        shop.sales.call("update_quote", id=quote["id"], if_match=quote["version"], body=body)
        assert shop.sales.call("send_quote", id=quote["id"])["status"] == "sent"


def test_quotes_expire_by_themselves(shop: Shop) -> None:
    """D8: each quote that expires is told once."""
    quote = _make(shop, valid_until=present_day().isoformat())
    other = _make(shop)
    for sent in (quote, other):
        shop.sales.call("send_quote", id=sent["id"])
    shop.sales.tick("expire_quotes")
    assert shop.sales.call("get_quote", id=quote["id"])["status"] == "sent"
    with clock.shifted(timedelta(days=1)):
        with pytest.raises(QuoteExpired):
            shop.sales.call("accept_quote", id=quote["id"])
        shop.sales.published()
        shop.sales.tick("expire_quotes")
        shop.sales.tick("expire_quotes")
        (told,) = shop.sales.published()
    assert isinstance(told, sales.QuoteExpired)
    assert (str(told.quote_id), told.number, told.valid_until) == (quote["id"], quote["number"], present_day())
    assert shop.sales.call("get_quote", id=quote["id"])["status"] == "expired"
    found = shop.sales.call("list_quotes", query={"status": "sent", "customer_id": str(LUMEN)})["data"]
    assert [sent["number"] for sent in found] == [other["number"]]


def test_a_quote_past_its_date_tells_that_it_is_neither_sent_nor_accepted(shop: Shop) -> None:
    """`?with=verbs` says what the verb is then refused with."""
    draft, sent = (_make(shop, valid_until=present_day().isoformat()) for _ in range(2))
    shop.sales.call("send_quote", id=sent["id"])
    for quote, verb in ((draft, "send"), (sent, "accept")):
        assert shop.sales.verbs("get_quote", id=quote["id"])[verb] is None
        with clock.shifted(timedelta(days=1)):
            told = shop.sales.verbs("get_quote", id=quote["id"])
            assert told[verb] == shop.sales.refused(f"{verb}_quote", id=quote["id"]) == "quote_expired"
            assert told["cancel"] is None
    accepted = shop.sales.verbs("get_quote", id=draft["id"])["accept"]
    assert accepted == shop.sales.refused("accept_quote", id=draft["id"]) == "invalid_transition"
