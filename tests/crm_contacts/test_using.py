"""B4: who is named by documents of other services, drafts too, stays."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from crm_contacts.service import CrmContacts
from shared.contracts.crm_sales import OrderChanged, OrderCreated, OrderDeleted, OrderPlaced, QuoteCreated, QuoteSent
from shared.contracts.erp_finance import InvoiceCreated, InvoiceIssued, PaymentCreated, PaymentReceived
from shared.kernel.refusals import InUse
from tests.architecture.source import ROOT
from tests.harness import Harness


@pytest.fixture
def book(service: Callable[[type], Harness]) -> Harness:
    return service(CrmContacts)


def test_an_undo_keeps_what_documents_name_by_now(book: Harness) -> None:
    """B4: the contact of a placed order was deleted, and that of a draft. By hand it cannot be deleted either."""
    named = [
        ("Orders", OrderPlaced), ("Quotes", QuoteSent), ("Invoices", InvoiceIssued), ("Payments", PaymentReceived),
        ("Order drafts", OrderCreated), ("Quote drafts", QuoteCreated), ("Invoice drafts", InvoiceCreated),
        ("Payment drafts", PaymentCreated),
    ]  # fmt: skip
    names = [*(name for name, _ in named), "Nobody"]
    content = "kind,name,roles\n" + "".join(f"organization,{name},prospect\n" for name in names)
    job = book.imported("import_contacts", content.encode())
    ids = {c["name"]: UUID(c["id"]) for c in book.call("list_contacts", query={})["data"]}
    for name, event in named:
        assert book.deliver(replace(_sample(event), customer_id=ids[name])) == "done"
    for name in names[:-1]:
        with pytest.raises(InUse, match=name.split()[0].lower().rstrip("s")):
            book.call("delete_contact", id=ids[name], if_match=1)
    undo = book.finished(book.call("undo_job", id=job["id"]))
    assert [undo["result"][n] for n in ("deleted", "kept", "failed")] == [1, 8, 0]
    assert {(e["row"], e["code"]) for e in undo["errors"]} == {(n, "in_use") for n in range(2, 10)}
    french = book.call("get_job", id=undo["id"], language="fr")
    assert "(commande)" in {e["row"]: e["message"] for e in french["errors"]}[2]
    assert {c["name"] for c in book.call("list_contacts", query={})["data"]} == set(names[:-1])


def test_what_a_draft_named_goes_when_the_draft_names_another_or_is_gone(book: Harness) -> None:
    """B4: a draft counts as long as it is there, and only for whom it is."""
    first, second = (
        UUID(book.call("create_contact", body={"kind": "organization", "name": name})["id"])
        for name in ("First", "Second")
    )
    draft = replace(_sample(OrderCreated), customer_id=first)
    book.deliver(draft)
    book.deliver(replace(_sample(OrderChanged), order_id=draft.order_id, customer_id=second))
    book.call("delete_contact", id=first, if_match=1)
    with pytest.raises(InUse, match="order"):
        book.call("delete_contact", id=second, if_match=1)
    book.deliver(OrderDeleted(order_id=draft.order_id, number=draft.number, company_id=draft.company_id))
    book.call("delete_contact", id=second, if_match=1)


def _sample(event: Any) -> Any:
    """An event as its contract shows it."""
    content = (ROOT / "tests/contracts/samples" / f"{event.full_type.removeprefix('liaison.')}.json").read_text()
    return event.from_data(json.loads(content)["data"])
