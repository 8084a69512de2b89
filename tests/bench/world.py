"""The running suite with its goods and customers, and the past that is put behind it."""

import json
import os
import shutil
import subprocess
import sys
import time
from typing import Any

import httpx
import psycopg2
from kombu import Connection

from deploy.local import servers as local
from deploy.local.accounts import Account, servers_home
from shared import contracts
from shared.api.handlers import service_class
from shared.messaging.topology import bindings
from tests.bench import accounting
from tests.bench.prefill import Past
from tests.suite import ADMIN, CHECKOUT, UNLIMITED, Suite

ROOT = CHECKOUT / ".local" / "bench"
SETTINGS = "track_commit_timestamp = on\nshared_buffers = 512MB\nmax_wal_size = 4GB"
NAMES = (
    "Atelier",
    "Boulangerie",
    "Cabinet",
    "Domaine",
    "Épicerie",
    "Ferme",
    "Garage",
    "Hôtel",
    "Imprimerie",
    "Jardins",
)
PLENTY = "10000000"
STARTING = 0.15
"""CPU seconds that the load generator needs to start and the signing in costs: ours, but in nobody's account."""


class World:
    """Private servers, the suite on them, 200 products in stock and 10,000 contacts."""

    def __init__(self, products: int = 200, customers: int = 100) -> None:
        self.shares: list[float] = []
        self.servers = _fresh_servers()
        os.environ |= UNLIMITED
        self.suite = Suite(self.servers, ROOT / "suite", "bench")
        try:
            self.suite.start()
            self.urls = {s: self.servers.postgresql.url(f"bench_{s}") for s in contracts.SERVICES}
            self.products = [self._product(number) for number in range(products)]
            self._receive(self.products, PLENTY)
            self.customers = self._contacts(customers)
            self.orders = Past(self.urls.values())
        except BaseException:
            self.stop()
            raise

    def disturbed(self) -> str:
        """A remark when other programs took a part of the machine since the last time this was asked, or nothing."""
        shares, self.shares = self.shares, []
        worst = max(shares, default=0.0)
        return f"DISTURBED: other programs used up to {100 * worst:.0f} % of the machine" if worst > 0.05 else ""

    def stop(self) -> None:
        if hasattr(self.suite, "supervisor"):
            self.suite.supervisor.stop_all()
        self.servers.stop()

    # -- data ---------------------------------------------------------------------------------------------------------

    def _product(self, number: int) -> str:
        body = {
            "sku": f"BENCH-{number:04}", "name": f"Article {number}", "type": "goods", "unit": "piece",
            "sale_price": f"{10 + number % 90}.90", "tax_code": ("S20", "S10", "S5.5")[number % 3],
        }  # fmt: skip
        return str(self.suite.api.post("/v1/products", body)["id"])

    def _receive(self, products: list[str], quantity: str) -> None:
        lines = [{"product_id": p, "quantity_delta": quantity, "unit_cost": "4.20"} for p in products]
        self.suite.api.post("/v1/stock-adjustments", {"reason": "opening stock", "lines": lines})

    def _contacts(self, customers: int) -> list[str]:
        """The customers that order; copies of them fill the contacts up to 10,000."""
        past = Past(self.urls.values(), vary=("name",))
        past.mark()
        made = [self._contact(number) for number in range(customers)]
        self.settle()
        past.take()
        past.multiply(10_000 // customers - 1)
        return made

    def _contact(self, number: int) -> str:
        body = {
            "kind": "organization", "name": f"{NAMES[number % len(NAMES)]} {number:03}", "roles": ["customer"],
            "emails": [{"value": f"contact{number}@bench.example", "type": "work", "primary": True}],
            "addresses": [{"type": "billing", "street": "1 place du Marché", "post_code": "35000",
                           "town": "Rennes", "country": "FR"}],
        }  # fmt: skip
        return str(self.suite.api.post("/v1/contacts", body)["id"])

    def hot_product(self, stock: int) -> str:
        """A product with exactly so many pieces."""
        made = self._product(9000 + stock % 1000 + len(self.products))
        self.products.append(made)
        self._receive([made], str(stock))
        self.settle()
        return made

    def baskets(self, product: str | None = None) -> list[list[Any]]:
        """[customer, lines]: three different products each, or one piece of the same one."""
        found = []
        for number in range(997):
            goods = [product] if product else [self.products[(number * 3 + i) % 200] for i in range(3)]
            lines = [{"product_id": goods_id, "quantity": "1"} for goods_id in goods]
            found.append([self.customers[number % len(self.customers)], lines])
        return found

    def grow(self, orders: int, template: int = 50) -> None:
        """Have so many finished orders in all databases: copies of those that real flows made first."""
        if not self.orders.copies:
            self.orders.mark()
            self.load("flows", clients=4, seconds=60, count=template, baskets=self.baskets())
            self.settle()
            self.orders.take()
        ((there,),) = self.suite.sql("crm_sales", "SELECT count(*) FROM sales_order")
        self.orders.multiply(max(0, (orders - there) // template))
        with psycopg2.connect(self.servers.pg_admin_url) as connection, connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def settle(self, timeout: float = 120) -> None:
        """Wait until for a second nothing was left to send or to take; the suite's `quiesce` is for short pasts."""
        deadline, calm = time.monotonic() + timeout, 0
        with Connection(self.suite.amqp_uri) as connection:
            channel = connection.channel()
            while calm < 4:
                under_way = self._to_send() + sum(
                    channel.queue_declare(queue, passive=True).message_count for queue in self.queues
                )
                calm = 0 if under_way else calm + 1
                if time.monotonic() > deadline:
                    raise AssertionError(f"{under_way} events are still under way after {timeout:.0f} s")
                time.sleep(0.3)

    def _to_send(self) -> int:
        waiting = "SELECT count(*) FROM outbox WHERE state = 'new'"
        again = "SELECT count(*) FROM inbox WHERE state IN ('retry', 'trying')"
        return sum(self.suite.sql(s, f"SELECT ({waiting}) + ({again})")[0][0] for s in contracts.SERVICES)

    @property
    def queues(self) -> list[str]:
        """The queues of all event handlers."""
        return [queue for service in contracts.SERVICES for queue in bindings(service_class(service))]

    # -- load ---------------------------------------------------------------------------------------------------------

    def load(self, kind: str, **job: Any) -> dict[str, Any]:
        """Run the load generator; its result and the CPU seconds of every process meanwhile, under `used`."""
        given = {"kind": kind, "base_url": self.suite.base_url, "token": self._token(), **job}
        before, busy = accounting.cpu(self.roots()), accounting.busy()
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.load"], input=json.dumps(given), cwd=CHECKOUT, text=True,
            env={**os.environ, "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'services'}"},
            stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        after, now = accounting.cpu(self.roots()), accounting.busy()
        result: dict[str, Any] = json.loads(done.stdout)
        result["used"] = {n: after[n] - before[n] for n in before} | {"load generator": result["cpu"]}
        self.shares.append(accounting.foreign(busy, now, sum(result["used"].values()) + STARTING))
        return result

    def _token(self) -> str:
        answer = httpx.post(f"{self.suite.base_url}/v1/auth/token", json=ADMIN, timeout=30)
        return str(answer.raise_for_status().json()["access_token"])

    def roots(self) -> dict[str, int]:
        """The first process of each part, by name."""
        running = {**self.suite.supervisor.processes(), **self.servers.processes()}
        return {name: process.pid for name, process in running.items() if name != "epmd"}


def _fresh_servers() -> local.Servers:
    """New servers each time: the figures of one run must not depend on the one before."""
    ROOT.mkdir(parents=True, exist_ok=True)
    local.refuse_if_used(ROOT)
    home = servers_home(ROOT, [Account.for_server("postgres"), Account.for_server("rabbitmq")])
    for old in (home / "pg", home / "rabbitmq", ROOT / "suite"):
        shutil.rmtree(old, ignore_errors=True)
    return local.start(ROOT, SETTINGS)
