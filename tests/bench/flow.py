"""One complete order-to-cash flow as a client app drives it, step by step, with the time of each step.

create    the draft order of three lines is stored
place     the order is placed
confirm   until its delivery may be shipped, which is after credit, stock and confirmation (asked by polling)
ship      the delivery is shipped
invoice   until the invoice of the shipment is there (one request with `wait_for`)
pay       the payment is drafted and posted
complete  until the order reads `completed` (one request with `wait_for`, then polling)
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.bench.client import Answer, Connection

STEPS = ("create", "place", "confirm", "ship", "invoice", "pay", "complete")
PATIENCE = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.1


class Failed(Exception):
    """A step was refused or did not happen in time."""


@dataclass
class Pace:
    """How long the confirmation took lately: a polite client asks first when an answer can be expected."""

    expected: float = 0.02

    def learn(self, seconds: float) -> None:
        self.expected = 0.8 * self.expected + 0.2 * seconds


@dataclass
class Flow:
    """One order of a customer; `seconds` holds the time of each finished step."""

    connection: Connection
    pace: Pace
    customer: str
    lines: list[dict[str, str]]
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """From the order to the money. Raises Failed."""
        with self._step("create"):
            body = {"customer_id": self.customer, "lines": self.lines}
            order = self._post("/v1/orders", body).json["id"]
        with self._step("place"):
            self._post(f"/v1/orders/{order}/place")
        with self._step("confirm"):
            delivery = self._ready_delivery(order)
        with self._step("ship"):
            shipped = self._post(f"/v1/deliveries/{delivery}/ship", {})
        with self._step("invoice"):
            invoice = self._first(f"/v1/invoices?order_id={order}", shipped)
        with self._step("pay"):
            paid = self._pay(invoice)
        with self._step("complete"):
            self._until(f"/v1/orders/{order}", lambda found: found["status"] == "completed", paid)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begun

    def _ready_delivery(self, order: str) -> str:
        begun = time.perf_counter()
        time.sleep(0.8 * self.pace.expected)
        page = self._until(f"/v1/deliveries?order_id={order}&status=ready&limit=1", lambda found: bool(found["data"]))
        self.pace.learn(time.perf_counter() - begun)
        return str(page["data"][0]["id"])

    def _pay(self, invoice: dict[str, Any]) -> Answer:
        allocation = {"invoice_id": invoice["id"], "amount": invoice["gross_total"]}
        body = {
            "direction": "in", "contact_id": self.customer, "amount": invoice["gross_total"],
            "currency": invoice["currency"], "method": "transfer", "allocations": [allocation],
        }  # fmt: skip
        payment = self._post("/v1/payments", body).json["id"]
        return self._post(f"/v1/payments/{payment}/post")

    def _first(self, path: str, after: Answer) -> dict[str, Any]:
        page = self._until(path, lambda found: bool(found["data"]), after)
        return dict(page["data"][0])

    def _until(self, path: str, holds: Callable[[Any], bool], after: Answer | None = None) -> Any:
        """GET until it holds; the first time after the service has applied the events of an earlier answer."""
        events = after.header("x-event-id") if after else ""
        wait = f"{'&' if '?' in path else '?'}wait_for={events.replace(' ', '')}" if events else ""
        found = self._checked(self.connection.get(path + wait), path).json
        deadline, pause = time.monotonic() + PATIENCE, FIRST_PAUSE
        while not holds(found):
            if time.monotonic() > deadline:
                raise Failed(f"{path.split('?')[0].rpartition('/')[0]}: nothing within {PATIENCE:.0f} s")
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
            found = self._checked(self.connection.get(path), path).json
        return found

    def _post(self, path: str, body: Any = None) -> Answer:
        return self._checked(self.connection.post(path, body or {}, str(uuid4())), path)

    @staticmethod
    def _checked(answer: Answer, path: str) -> Answer:
        if answer.status >= 400:
            what = "/".join(path.split("?")[0].split("/")[2:5:2])
            raise Failed(f"{what}: {answer.status} {answer.json.get('code')}")
        return answer
