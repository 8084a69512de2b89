"""Concurrent clients that sell: each flow creates, places, ships, has invoiced and gets paid one order."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.kernel.ids import new_id
from tests.faults.client import Client, GaveUp, History, Refused, sign_in
from tests.suite import ADMIN, Suite

SALES, STOCK, BOOKS, CONTACTS = "crm_sales", "erp_inventory", "erp_finance", "crm_contacts"


@dataclass
class Flow:
    """How far one order came. `ends` is the status that it must reach once everything is at rest."""

    order: str
    ends: str = ""
    failure: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


class Workload:
    """A seeded crowd of clients on one suite."""

    def __init__(self, suite: Suite, history: History, seed: int) -> None:
        self.suite, self.history, self.seed = suite, history, seed
        self.flows: list[Flow] = []
        self.token = sign_in(suite.base_url, ADMIN["email"], ADMIN["password"])
        self._ending = threading.Event()
        self._number = 0

    def client(self) -> Client:
        self._number += 1
        return Client(self.suite.base_url, self.token, self.history, self.seed * 1000 + self._number)

    def open_shop(self) -> None:
        """One customer and three products with more stock than anybody can sell."""
        client = self.client()
        self.customer = self.contact(client, "Atelier des Lampes")
        self.products = [self.product(client, f"lamp {n}", price) for n, price in enumerate(("19.90", "4.35", "120"))]
        lines = [{"product_id": p, "quantity_delta": "1000000", "unit_cost": "3.17"} for p in self.products]
        body = {"id": str(new_id()), "reason": "opening stock", "lines": lines}
        client.write(STOCK, "create_stock_adjustment", "/v1/stock-adjustments", body, id=body["id"])
        client.close()

    def contact(self, client: Client, name: str) -> str:
        chosen = str(new_id())
        body = {"id": chosen, "kind": "organization", "name": name, "roles": ["customer"]}
        made = client.write(CONTACTS, "create_contact", "/v1/contacts", body, id=chosen)
        client.read("/v1/orders", limit="1", wait_for=made.headers["x-event-id"])
        return chosen

    def product(self, client: Client, name: str, price: str) -> str:
        chosen = str(new_id())
        body = {"id": chosen, "sku": chosen, "name": name, "type": "goods", "unit": "piece", "sale_price": price}
        made = client.write(STOCK, "create_product", "/v1/products", body, id=chosen)
        client.read("/v1/orders", limit="1", wait_for=made.headers["x-event-id"])
        return chosen

    @contextmanager
    def running(self, clients: int = 4) -> Iterator[None]:
        """Sell until the block ends; then every flow that has begun is brought to its end."""
        self._ending.clear()
        threads = [threading.Thread(target=self._sell, args=(self.client(),)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ending.set()
            for thread in threads:
                thread.join()

    def _sell(self, client: Client) -> None:
        while not self._ending.is_set():
            self.sell(client)
        client.close()

    def sell(self, client: Client) -> Flow:
        """One flow; what stops it is noted, not raised."""
        flow = Flow(str(new_id()))
        self.flows.append(flow)
        try:
            self._order_to_cash(client, flow)
        except (Refused, GaveUp) as error:
            flow.failure = f"order {flow.order}: {error}"
        return flow

    def sell_only(self, client: Client) -> Flow:
        """Create and place an order; `carry_on` does the rest later."""
        flow = Flow(str(new_id()))
        self.flows.append(flow)
        self._order(client, flow)
        return flow

    def carry_on(self, client: Client, flow: Flow) -> None:
        try:
            self._fulfil(client, flow)
        except (Refused, GaveUp) as error:
            flow.failure = f"order {flow.order}: {error}"

    def _order_to_cash(self, client: Client, flow: Flow) -> None:
        self._order(client, flow)
        if client.random.random() < 0.1:
            self._cancel(client, flow)
        else:
            self._fulfil(client, flow)

    def _fulfil(self, client: Client, flow: Flow) -> None:
        delivery = self._timed(flow, "confirm", lambda: self._ready_delivery(client, flow))
        path = f"/v1/deliveries/{delivery}/ship"
        self._timed(flow, "ship", lambda: client.write(STOCK, "ship_delivery", path, {}, id=delivery))
        invoice = self._timed(flow, "invoice", lambda: self._invoice(client, flow))
        self._timed(flow, "pay", lambda: self._pay(client, invoice))
        flow.ends = "completed"

    def _order(self, client: Client, flow: Flow) -> None:
        chosen = client.random.sample(self.products, client.random.randint(1, 3))
        lines = [{"product_id": p, "quantity": str(client.random.randint(1, 9))} for p in chosen]
        body = {"id": flow.order, "customer_id": self.customer, "lines": lines}
        self._timed(flow, "create", lambda: client.write(SALES, "create_order", "/v1/orders", body, id=flow.order))
        path = f"/v1/orders/{flow.order}/place"
        self._timed(flow, "place", lambda: client.write(SALES, "place_order", path, id=flow.order))

    def _cancel(self, client: Client, flow: Flow) -> None:
        path, body = f"/v1/orders/{flow.order}/cancel", {"reason": "changed his mind"}
        client.write(SALES, "cancel_order", path, body, id=flow.order)
        flow.ends = "cancelled"

    def _ready_delivery(self, client: Client, flow: Flow) -> str:
        page = client.read("/v1/deliveries", lambda p: p["data"], order_id=flow.order, status="ready")
        return str(page["data"][0]["id"])

    def _invoice(self, client: Client, flow: Flow) -> Any:
        return client.read("/v1/invoices", lambda p: p["data"], order_id=flow.order)["data"][0]

    def _pay(self, client: Client, invoice: Any) -> None:
        chosen = str(new_id())
        body = {
            "id": chosen, "direction": "in", "contact_id": self.customer, "amount": invoice["gross_total"],
            "currency": "EUR", "method": "transfer",
            "allocations": [{"invoice_id": invoice["id"], "amount": invoice["gross_total"]}],
        }  # fmt: skip
        client.write(BOOKS, "create_payment", "/v1/payments", body, id=chosen)
        client.write(BOOKS, "post_payment", f"/v1/payments/{chosen}/post", id=chosen)

    @staticmethod
    def _timed(flow: Flow, step: str, act: Any) -> Any:
        started = time.monotonic()
        result = act()
        flow.seconds[step] = time.monotonic() - started
        return result

    def median(self, step: str, since: int = 0) -> float:
        """The median time of a step over the flows from a number on, in seconds."""
        times = sorted(f.seconds[step] for f in self.flows[since:] if step in f.seconds)
        return times[len(times) // 2] if times else 0.0


def seeded(seed: int, *parts: Any) -> random.Random:
    """A generator of its own for each purpose, so that one gate's choices do not depend on another's."""
    return random.Random(f"{seed}:{parts}")
