"""What the people of a story do: the vocabulary in which the stories of this folder are told."""

import itertools
from decimal import Decimal
from typing import Any

from tests.suite import Api, Suite

_numbers = itertools.count(1)


class Shop:
    """A small wholesaler with a warehouse, seen through the API."""

    def __init__(self, suite: Suite) -> None:
        self.suite, self.api = suite, suite.api
        self.number = next(_numbers)
        self.opening_balances = self.balances()

    # -- master data --------------------------------------------------------------------------------------------------

    def product(self, name: str, price: str, tax_code: str = "S20", **more: Any) -> Any:
        """A product for sale; returned when sales knows it too."""
        sku = f"{name.upper().replace(' ', '-')}-{self.number}-{next(_numbers)}"
        body = {"sku": sku, "name": name, "type": "goods", "unit": "piece", "sale_price": price, "tax_code": tax_code}
        made = self.api.post("/v1/products", {**body, **more})
        self._known_to_sales()
        return made

    def customer(self, name: str, limit: str | None = None) -> Any:
        """A customer, with a credit limit or without."""
        made = self.api.post("/v1/contacts", {"kind": "organization", "name": name, "roles": ["customer"]})
        self._known_to_sales()
        if limit is not None:
            registered = self.api.last_event  # finance keeps limits of customers that it knows
            self.api.post("/v1/credit-limits", {"customer_id": made["id"], "limit": limit}, wait_for=registered)
        return made

    def _known_to_sales(self) -> None:
        self.api.get("/v1/orders", limit=1, wait_for=self.api.last_event)

    def receive(self, product: Any, quantity: str, cost: str) -> Any:
        """Opening stock by an adjustment at cost."""
        line = {"product_id": product["id"], "quantity_delta": quantity, "unit_cost": cost}
        return self.api.post("/v1/stock-adjustments", {"reason": "opening stock", "lines": [line]})

    # -- selling ------------------------------------------------------------------------------------------------------

    def order(
        self, customer: Any, *lines: tuple[Any, str], discount: str = "0", api: Api | None = None, **more: Any
    ) -> Any:
        """A draft order of (product, quantity) lines; the discount is on the first line."""
        body = {
            "customer_id": customer["id"],
            "lines": [
                {"product_id": product["id"], "quantity": quantity, **({"discount_percent": discount} if not i else {})}
                for i, (product, quantity) in enumerate(lines)
            ],
        }
        return (api or self.api).post("/v1/orders", {**body, **more})

    def place(self, order: Any, api: Api | None = None) -> Any:
        return (api or self.api).post(f"/v1/orders/{order['id']}/place")

    def placed(self, customer: Any, *lines: tuple[Any, str], **more: Any) -> Any:
        return self.place(self.order(customer, *lines, **more))

    def until(self, order: Any, **fields: str) -> Any:
        """The order once its fields read as given."""
        return self.api.eventually(f"/v1/orders/{order['id']}", lambda o: all(o[k] == v for k, v in fields.items()))

    def confirmed(self, order: Any) -> Any:
        return self.until(order, status="confirmed")

    # -- shipping and money -------------------------------------------------------------------------------------------

    def delivery(self, order: Any, status: str = "ready") -> Any:
        """The delivery of an order in a state, once it is there."""
        return self.one("/v1/deliveries", order_id=order["id"], status=status)

    def one(self, path: str, **filters: str) -> Any:
        return self.api.eventually(path, lambda page: len(page["data"]) == 1, **filters)["data"][0]

    def ship(self, delivery: Any, *quantities: str) -> Any:
        """Ship everything, or the given quantity of each line."""
        lines = [
            {"id": line["id"], "quantity": quantity}
            for line, quantity in zip(delivery["lines"], quantities, strict=False)
            if Decimal(quantity)
        ]
        return self.api.post(f"/v1/deliveries/{delivery['id']}/ship", {"lines": lines} if quantities else {})

    def invoices(self, order: Any, count: int) -> Any:
        """All invoices of an order, oldest first, once there are so many."""
        page = self.api.eventually(
            "/v1/invoices", lambda p: len(p["data"]) == count, order_id=order["id"], sort="created_at"
        )
        return page["data"]

    def pay(self, customer: Any, amount: str, *invoices: Any) -> Any:
        """Money arrives for invoices, in their order until it is used up."""
        left, allocations = Decimal(amount), []
        for invoice in invoices:
            part = min(left, Decimal(invoice["residual"]))
            if part:
                allocations.append({"invoice_id": invoice["id"], "amount": str(part)})
            left -= part
        body = {
            "direction": "in", "contact_id": customer["id"], "amount": amount, "currency": "EUR",
            "method": "transfer", "allocations": allocations,
        }  # fmt: skip
        draft = self.api.post("/v1/payments", body)
        return self.api.post(f"/v1/payments/{draft['id']}/post")

    # -- looking ------------------------------------------------------------------------------------------------------

    def stock(self, product: Any) -> Any:
        """The one stock level of a product in the warehouse."""
        (level,) = self.api.get("/v1/stock-levels", product_id=product["id"])["data"]
        return level

    def balances(self) -> dict[str, Decimal]:
        """Trial balance: account → debit − credit."""
        report = self.api.get("/v1/reports/trial-balance")
        assert report["totals"]["debit"] == report["totals"]["credit"], report["totals"]
        return {row["account"]: Decimal(row["balance"]) for row in report["rows"]}

    def booked(self) -> dict[str, Decimal]:
        """What this story has changed in the books so far: account → debit − credit, without zeros."""
        now = self.balances()
        changes = {
            a: now.get(a, Decimal(0)) - self.opening_balances.get(a, Decimal(0)) for a in {*now, *self.opening_balances}
        }
        return {account: change for account, change in sorted(changes.items()) if change}

    def settle(self) -> None:
        """Let everything that is under way arrive."""
        self.suite.quiesce()

    def steps(self, order: Any) -> dict[str, str]:
        """Step name → status of the order process."""
        return {s["name"]: s["status"] for s in self.api.get(f"/v1/orders/{order['id']}/progress")["steps"]}
