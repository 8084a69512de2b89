"""A small wholesaler that does a bit of everything: the good data that corruptions are tried on."""

import itertools
from decimal import Decimal
from typing import Any

from tests.auditor.bus import Bus
from tests.days import present_day

_keys = itertools.count(1)


class Shop:
    """What its people do, in the words of the trade. Every act is followed by everything that it causes."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    def do(self, service: str, operation: str, **given: Any) -> Any:
        return self.bus.call(service, operation, key=f"the-shop-{next(_keys):08}", **given)

    def sales(self, operation: str, **given: Any) -> Any:
        return self.do("crm_sales", operation, **given)

    def stock(self, operation: str, **given: Any) -> Any:
        return self.do("erp_inventory", operation, **given)

    def books(self, operation: str, **given: Any) -> Any:
        return self.do("erp_finance", operation, **given)

    # -- goods, people, money ----------------------------------------------------------------------------------------

    def product(self, sku: str, price: str, tax_code: str = "S20", type_: str = "goods") -> str:
        body = {"sku": sku, "name": sku, "type": type_, "sale_price": price, "tax_code": tax_code}
        return str(self.stock("create_product", body=body)["id"])

    def receive(self, product: str, quantity: str, cost: str | None = None) -> None:
        line = {"product_id": product, "quantity_delta": quantity} | ({"unit_cost": cost} if cost else {})
        self.stock("create_stock_adjustment", body={"reason": "counted", "lines": [line]})

    def customer(self, name: str, limit: str | None = None) -> str:
        body = {"kind": "organization", "name": name, "roles": ["customer"]}
        made = str(self.do("crm_contacts", "create_contact", body=body)["id"])
        if limit:
            self.books("create_credit_limit", body={"customer_id": made, "limit": limit})
        return made

    def pay(self, customer: str, amount: str, *parts: tuple[Any, str], **more: str) -> Any:
        """Money comes in, for (invoice, amount) parts."""
        allocations = [{"invoice_id": invoice["id"], "amount": part} for invoice, part in parts]
        body = {"direction": "in", "contact_id": customer, "amount": amount, "allocations": allocations, **more}
        draft = self.books("create_payment", body=body)
        return self.books("post_payment", id=draft["id"])

    # -- orders ------------------------------------------------------------------------------------------------------

    def draft(self, customer: str, *lines: tuple[str, str], discount: str = "0", **more: Any) -> Any:
        rows = [{"product_id": p, "quantity": q, "discount_percent": discount} for p, q in lines]
        return self.sales("create_order", body={"customer_id": customer, "lines": rows, **more}, actor="ada")

    def place(self, customer: str, *lines: tuple[str, str], discount: str = "0", **more: Any) -> Any:
        order = self.draft(customer, *lines, discount=discount, **more)
        self.sales("place_order", id=order["id"], actor="ada")
        return self.read(order)

    def read(self, order: Any) -> Any:
        return self.sales_query("get_order", id=order["id"])

    def sales_query(self, operation: str, **given: Any) -> Any:
        return self.bus.call("crm_sales", operation, **given)

    def delivery(self, order: Any) -> Any:
        found = self.bus.call("erp_inventory", "list_deliveries", query={"order_id": order["id"], "status": "ready"})
        return found["data"][0]

    def ship(self, order: Any, *quantities: str) -> Any:
        """Ship everything that is ready, or the given quantity of each line."""
        delivery = self.delivery(order)
        lines = [
            {"id": line["id"], "quantity": quantity}
            for line, quantity in zip(delivery["lines"], quantities, strict=False)
            if Decimal(quantity)
        ]
        return self.stock("ship_delivery", id=delivery["id"], body={"lines": lines} if lines else {})

    def invoices(self, order: Any) -> Any:
        query = {"order_id": order["id"], "sort": "number"}
        return self.bus.call("erp_finance", "list_invoices", query=query)["data"]


def trade(shop: Shop) -> dict[str, Any]:
    """A month's business; returns what stories may want to find again, by name."""
    lamp, shade = shop.product("brass-lamp", "89.90"), shop.product("silk-shade", "24.50")
    book = shop.product("light-book", "12.30", "S5.5")
    fitting = shop.product("fitting", "55.00", "S10", "service")
    hotel, cafe = shop.customer("Hôtel des Lumières"), shop.customer("Café « Zola »", limit="500.00")
    shop.receive(lamp, "10", "41.00")
    shop.receive(lamp, "3", "44.37")
    shop.receive(shade, "40", "9.99")
    shop.receive(book, "20", "6.15")
    shop.receive(shade, "-2")
    _calendar(shop)
    made = {
        "lamp": lamp,
        "hotel": hotel,
        "completed": _completed(shop, hotel, (lamp, "3"), (shade, "7"), (book, "3"), (fitting, "2")),
        "released": _released(shop, cafe, (lamp, "6")),
        "cancelled": _cancelled(shop, hotel, (lamp, "2"), (shade, "1")),
        "billed_ahead": _billed_ahead(shop, hotel, (book, "3")),
        "overtaken": _overtaken(shop, hotel, (shade, "4"), (book, "2")),
        "services": shop.place(hotel, (fitting, "1")),
        "short": shop.place(hotel, (lamp, "9"), (shade, "2")),
        "short_too": shop.place(cafe, (lamp, "1")),
        "open": shop.place(hotel, (shade, "5"), (book, "1")),
        "draft": shop.draft(hotel, (lamp, "1")),
    }
    shop.sales("cancel_order", id=shop.draft(hotel, (book, "1"))["id"], body={"reason": "a mistake"})
    shop.receive(lamp, "6", "40.10")
    _money(shop, hotel, made)
    shop.bus.services["erp_finance"].tick("note_anchors")
    return made


def _calendar(shop: Shop) -> None:
    """A month that is not this one is closed for good before anything is posted."""
    periods = sorted(
        shop.bus.call("erp_finance", "list_periods", query={"limit": "50"})["data"], key=lambda p: p["code"]
    )
    today = present_day().isoformat()
    other = periods[-1] if periods[0]["starts_on"] <= today <= periods[0]["ends_on"] else periods[0]
    shop.books("lock_period", id=other["id"], body={"final": True})


def _completed(shop: Shop, customer: str, *lines: tuple[str, str]) -> Any:
    """Shipped in three parts, billed thrice, paid in two payments."""
    order = shop.place(customer, *lines, discount="7.5")
    shop.ship(order, "1", "3", "1")
    shop.ship(order, "1", "2", "1")
    shop.ship(order)
    one, two, three = shop.invoices(order)
    shop.pay(customer, "50.00", (one, "50.00"), method="cash")
    one, two, three = shop.invoices(order)
    total = sum(Decimal(invoice["residual"]) for invoice in (one, two, three))
    shop.pay(customer, str(total + 10), *((invoice, invoice["residual"]) for invoice in (one, two, three)))
    order = shop.read(order)
    assert order["status"] == "completed", order
    return order


def _released(shop: Shop, customer: str, *lines: tuple[str, str]) -> Any:
    """Over the limit, released by another person, shipped, paid in part."""
    order = shop.place(customer, *lines)
    assert order["status"] == "on_hold"
    shop.sales("release_hold_order", id=order["id"], actor="claire")
    shop.ship(order)
    (invoice,) = shop.invoices(order)
    shop.pay(customer, "100.00", (invoice, "100.00"))
    return shop.read(order)


def _cancelled(shop: Shop, customer: str, *lines: tuple[str, str]) -> Any:
    order = shop.place(customer, *lines)
    shop.sales("cancel_order", id=order["id"], body={"reason": "changed his mind"})
    return shop.read(order)


def _billed_ahead(shop: Shop, customer: str, *lines: tuple[str, str]) -> Any:
    """Invoiced on confirmation, cancelled before shipment: credited."""
    order = shop.place(customer, *lines, invoicing_policy="on_order")
    assert shop.read(order)["invoice_status"] == "invoiced"
    return _settled_cancel(shop, order)


def _settled_cancel(shop: Shop, order: Any) -> Any:
    shop.sales("cancel_order", id=order["id"], body={"reason": "changed his mind"})
    return shop.read(order)


def _overtaken(shop: Shop, customer: str, *lines: tuple[str, str]) -> Any:
    """Cancelled while the goods were leaving: what shipped stands."""
    order = shop.place(customer, *lines)
    delivery = shop.delivery(order)
    first = {"lines": [{"id": delivery["lines"][0]["id"], "quantity": "1"}]}
    shop.bus.services["erp_inventory"].call("ship_delivery", id=delivery["id"], body=first, key="overtaking-1234567")
    shop.bus.services["crm_sales"].call("cancel_order", id=order["id"], body={"reason": "too late"})
    shop.bus.settle()
    order = shop.read(order)
    assert (order["status"], order["delivery_status"]) == ("confirmed", "delivered"), order
    return order


def _money(shop: Shop, customer: str, made: dict[str, Any]) -> None:
    """A payment that bounces, one without an invoice, a manual invoice and its credit note, a manual entry."""
    (invoice,) = shop.invoices(made["services"])
    bounced = shop.pay(customer, "20.00", (invoice, "20.00"), method="cheque")
    shop.books("reverse_payment", id=bounced["id"], body={})
    shop.pay(customer, "33.33")
    line = {"description": "Lamp rental", "kind": "service", "quantity": "3", "unit_price": "33.335"}
    manual = shop.books("create_invoice", body={"customer_id": customer, "lines": [line]})
    manual = shop.books("issue_invoice", id=manual["id"], body={})
    first = {"line_id": manual["lines"][0]["id"], "quantity": "1"}
    shop.books("credit_invoice", id=manual["id"], body={"lines": [first], "reason": "one month less"})
    shop.books("create_invoice", body={"customer_id": customer, "lines": [line]})
    shop.pay(customer, "12.00", (manual, "12.00"))
    rows = [{"account": "512", "debit": "1000.00"}, {"account": "101", "credit": "1000.00"}]
    entry = {"date": present_day().isoformat(), "reference": 'Capital "A" \\ été', "lines": rows}
    entry = shop.books("create_journal_entry", body=entry)
    shop.books("post_journal_entry", id=entry["id"])
    entry = shop.books("create_journal_entry", body={**_corrected(rows), "date": present_day().isoformat()})
    shop.books("post_journal_entry", id=entry["id"])
    shop.books("reverse_journal_entry", id=entry["id"], body={})


def _corrected(rows: list[dict[str, str]]) -> dict[str, Any]:
    return {"reference": "A mistake", "lines": rows}
