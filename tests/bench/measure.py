"""What is measured, in which order, against which target."""

import argparse
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tests.bench import accounting, bus, edge, importing, lag, raw, statements, streams
from tests.bench.flow import STEPS
from tests.bench.report import Report, percentile
from tests.bench.world import NAMES, World

PEERS_BY_CLIENTS = {1: "0.67; 0.24", 4: "1.41; 0.39", 8: "1.46; 0.32", 16: "1.51; 0.24"}
PARTS = ("raw", "flows", "same", "reads", "http", "statements", "memory", "sse", "grown", "import", "bus")


class Bench:
    """One run. `seconds` and `repeats` say how long each figure is looked at."""

    def __init__(self, options: argparse.Namespace, report: Report) -> None:
        self.options, self.report = options, report
        self.seconds = 3.0 if options.quick else 8.0
        self.repeats = 1 if options.quick else 3
        self.compared: dict[str, dict[int, float]] = {}

    def run(self) -> None:
        """All parts that are wanted, in an order in which none disturbs the next."""
        print("starting private servers and the suite")
        world = World()
        try:
            if self.wants("raw"):
                self.raw(world)
            small, large = 1000, self.options.orders
            world.grow(small)
            self.at(world, small)
            if self.wants("http"):
                self.http(world)
            if self.wants("statements"):
                self.statements(world)
            if self.wants("sse"):  # before copies take the highest places in the store of events
                self.sse(world)
            if large > small and self.wants("grown"):
                world.grow(large)
                self.at(world, large)
                self.compare(small, large)
            if self.wants("import"):
                self.importing(world)
            if self.wants("bus"):
                self.bus(world)
        finally:
            world.stop()

    def wants(self, part: str) -> bool:
        return not self.options.only or part in self.options.only

    def repeat(self, measure: Callable[[], float]) -> list[float]:
        return [measure() for _ in range(self.repeats)]

    def at(self, world: World, orders: int) -> None:
        """What is measured at each size of the past."""
        if self.wants("memory"):
            self.memory(world, f"idle, {orders:,} orders")
        if self.wants("flows"):
            for clients in (1, 8) if self.options.quick else (1, 4, 8, 16):
                self.flows(world, clients, orders)
        if self.wants("memory"):
            self.memory(world, f"after load, {orders:,} orders")
        if self.wants("same"):
            self.same_product(world, orders)
        if self.wants("reads"):
            self.reads(world, orders)

    # -- raw limits ---------------------------------------------------------------------------------------------------

    def raw(self, world: World) -> None:
        """What the machine can do without Liaison."""
        add, servers, seconds = self.report.add, world.servers, self.seconds / 2
        self.report.section("Raw limits of this machine")
        for connections in (1, 8):
            values = self.repeat(lambda n=connections: raw.commits(servers, n, seconds))  # type: ignore[misc]
            add(f"PostgreSQL commits, {connections} connection(s)", "/s", values)
        add("RabbitMQ confirmed publishes, one by one", "/s", self.repeat(lambda: raw.publishes(servers, 1, seconds)))
        add("RabbitMQ confirmed publishes, window 100", "/s", self.repeat(lambda: raw.publishes(servers, 100, seconds)))
        messages = 5000 if self.options.quick else 20_000
        add("kombu consume, one by one", "/s", self.repeat(lambda: raw.consume(servers, messages)))

    # -- flows --------------------------------------------------------------------------------------------------------

    def flows(self, world: World, clients: int, orders: int) -> None:
        """Complete order-to-cash flows."""
        self.report.section(f"Order to cash, {clients} client(s), {orders:,} orders before")
        world.load("flows", clients=clients, seconds=1, baskets=world.baskets())
        world.disturbed()
        since = lag.clock(world.servers.pg_admin_url)
        busy = accounting.busy()
        runs = [world.load("flows", clients=clients, seconds=self.seconds, baskets=world.baskets())
                for _ in range(self.repeats)]  # fmt: skip
        share = [now - then for now, then in zip(accounting.busy(), busy, strict=True)]
        self._flow_figures(runs, clients, orders)
        self._cpu_table(runs, f"CPU, ms per flow, {clients} client(s); machine {100 * share[0] / share[1]:.0f} % busy")
        self._remark(world)
        world.settle()
        if clients in (1, 8):
            self._lags(world, since, "idle" if clients == 1 else "8 clients")

    def _flow_figures(self, runs: list[dict[str, Any]], clients: int, orders: int) -> None:
        target: dict[str, Any] = {"target": 20} if clients == 8 else {}
        rate = [run["rate"] for run in runs]
        self.report.add(
            f"flows, {clients} client(s)", "flows/s", rate, peers=PEERS_BY_CLIENTS.get(clients, ""), **target
        )
        p50 = [1000 * percentile(run["steps"]["flow"], 50) for run in runs]
        p95 = [1000 * percentile(run["steps"]["flow"], 95) for run in runs]
        alone: dict[str, Any] = {"target": 400, "at_most": True, "peers": "1,480; 3,970"} if clients == 1 else {}
        self.report.add(f"one flow, p50, {clients} client(s)", "ms", p50, **alone)
        self.report.add(f"one flow, p95, {clients} client(s)", "ms", p95)
        self._compare(f"flows/s, {clients} client(s)", orders, self.report.figures[-3].value)
        self._compare(f"flow p50 ms, {clients} client(s)", orders, self.report.figures[-2].value)
        self._failures(runs, clients, {16: "0; 12 %"}.get(clients, ""))
        steps = [step for step in STEPS if runs[0]["steps"][step]]
        times = {step: [seconds for run in runs for seconds in run["steps"][step]] for step in steps}
        rows = [["", *steps]]
        for percent in (50, 95):
            rows.append([f"p{percent} ms", *(f"{1000 * percentile(times[step], percent):.0f}" for step in steps)])
        self.report.table(f"steps, {clients} client(s)", rows)

    def _remark(self, world: World) -> None:
        if remark := world.disturbed():
            self.report.note(remark)

    def _failures(self, runs: list[dict[str, Any]], clients: int, peers: str) -> None:
        failed = self._reasons(runs)
        goal: dict[str, Any] = {"target": 0, "at_most": True} if clients == 16 else {}
        self.report.add(f"failed flows, {clients} client(s), all repeats", "", [failed], peers=peers, **goal)

    def _reasons(self, runs: list[dict[str, Any]]) -> float:
        """How many failed in all runs; why, is noted."""
        reasons: Counter[str] = Counter()
        for run in runs:
            reasons.update(run["failures"])
        for reason, count in reasons.most_common(5):
            self.report.note(f"failed {count} ×: {reason}")
        return float(reasons.total())

    def _cpu_table(self, runs: list[dict[str, Any]], title: str) -> None:
        finished = sum(len(run["steps"]["flow"]) for run in runs) or 1
        total = {name: 1000 * sum(run["used"][name] for run in runs) / finished for name in runs[0]["used"]}
        rows = [[*total, "all"], [f"{ms:.1f}" for ms in (*total.values(), sum(total.values()))]]
        self.report.table(title, rows)
        self.report.note(f"requests per flow: {sum(run['requests'] for run in runs) / finished:.1f}")

    def _lags(self, world: World, since: Any, load: str) -> None:
        by_consumer = lag.lags(world.urls, since, lag.clock(world.servers.pg_admin_url))
        every = [seconds for values in by_consumer.values() for seconds in values]
        self.report.add(f"event lag, commit to commit, p50, {load}", "ms", [1000 * percentile(every, 50)])
        goal: dict[str, Any] = {"target": 100, "at_most": True}
        self.report.add(f"event lag, commit to commit, p95, {load}", "ms", [1000 * percentile(every, 95)], **goal)
        slowest = sorted(by_consumer.items(), key=lambda item: -percentile(item[1], 95))[:8]
        rows = [[name, f"{1000 * percentile(v, 50):.0f}", f"{1000 * percentile(v, 95):.0f}"] for name, v in slowest]
        self.report.table(f"slowest consumers, {load}: p50, p95 ms", rows)

    def importing(self, world: World) -> None:
        """A file of contacts, once."""
        count = 10_000 if self.options.quick else 100_000
        self.report.section(f"a file of {count:,} contacts")
        for name, unit, value in importing.measure(world.suite, count):
            goal: dict[str, Any] = {"target": 60, "at_most": True} if name.startswith("import of") else {}
            self.report.add(name, unit, [value], **goal)
        self._remark(world)

    def same_product(self, world: World, orders: int) -> None:
        """Sixteen clients, one product: nothing fails, and the shelf tells exactly what was sold."""
        self.report.section(f"16 clients sell the same product, {orders:,} orders before")
        stock = 9_000 + orders % 997
        product, runs = world.hot_product(stock), []
        for _ in range(self.repeats):
            runs.append(world.load("flows", clients=16, seconds=self.seconds, baskets=world.baskets(product)))
        world.settle()
        self.report.add("flows, same product", "flows/s", [run["rate"] for run in runs], peers="1.02; 0.29")
        self._failures(runs, 16, "0; 6 %")
        self._remark(world)
        sold = sum(len(run["steps"]["flow"]) for run in runs)
        (level,) = world.suite.api.get("/v1/stock-levels", product_id=product)["data"]
        missing = abs(stock - sold - float(level["on_hand"])) + abs(float(level["reserved"]))
        self.report.add("pieces that the shelf is wrong by", "", [missing], target=0, at_most=True, peers="0; 0")

    # -- reads --------------------------------------------------------------------------------------------------------

    def reads(self, world: World, orders: int) -> None:
        """Reads with 8 connections."""
        self.report.section(f"Reads, 8 connections, {orders:,} orders before")
        read_orders = [r[0] for r in world.suite.sql("crm_sales", "SELECT id::text FROM sales_order LIMIT 500")]
        http = world.suite.api.http
        pages = [f"/v1/contacts?name[starts]={quote(name)}%20&sort=name&limit=50" for name in NAMES]
        pages += [f"{path}&cursor={http.get(path).json()['next_cursor']}" for path in pages]
        order_paths = [f"/v1/orders/{order}" for order in read_orders]
        stock_paths = [f"/v1/stock-levels?product_id={product}" for product in world.products[:200]]
        self._read(world, orders, "50 contacts of 10,000 by name, page by page", pages, target=250, peers="94; 36")
        self._read(world, orders, "one order with lines", order_paths, target=400, peers="94; 36")
        self._read(world, orders, "stock of one product", stock_paths, target=400, peers="101; 33")

    def _read(self, world: World, orders: int, what: str, paths: list[str], **goal: Any) -> None:
        self._compare(f"{what}, requests/s", orders, self._asked(world, what, {"paths": paths}, **goal))

    def http(self, world: World) -> None:
        """What the edge adds to a call of a service, and what it answers alone; no history plays a part in these."""
        self.report.section("The edge: one product over AMQP and over HTTP")
        for clients in (1, 8):
            for found in edge.overhead(world, self.report, clients, self.seconds / 2, self.repeats):
                self._reasons(found.runs)
            self._remark(world)
        self.report.section("The edge: other requests, 8 connections")
        for what, job in edge.alone(world):
            self._asked(world, what, job)

    def _asked(self, world: World, what: str, job: dict[str, Any], **goal: Any) -> float:
        """Requests per second of eight connections."""
        found = edge.timed(world, "reads", self.seconds / 2, self.repeats, clients=8, **job)
        figure = self.report.add(what, "requests/s", found.rates, **goal)
        self.report.note(found.told)
        self._reasons(found.runs)
        self._remark(world)
        return figure.value

    # -- the rest -----------------------------------------------------------------------------------------------------

    def statements(self, world: World) -> None:
        """SQL per flow."""
        self.report.section("SQL statements of one flow")
        found = statements.count(world, 20 if self.options.quick else 60)
        own = statements.own(found)
        self.report.add("statements per flow, without BEGIN and COMMIT", "", [own], peers="735; 2,250")
        self.report.add("time in PostgreSQL per flow", "ms", [sum(s.milliseconds for s in found)], peers="334; 543")
        rows = [["database", "kind", "calls per flow"]]
        for database, kinds in sorted(statements.kinds(found).items()):
            rows += [[database, kind, f"{n:.1f}"] for kind, n in sorted(kinds.items(), key=lambda k: -k[1]) if n > 0.05]
        self.report.table("by database and kind", rows)
        for title, order in (("most called", "calls"), ("most time", "milliseconds")):
            top = sorted(found, key=lambda s: -getattr(s, order))[:15]
            rows = [[f"{s.calls:.1f}", f"{s.milliseconds:.2f} ms", s.database, s.query[:150]] for s in top]
            self.report.table(title, rows)

    def memory(self, world: World, when: str) -> None:
        """Proportional set size of each process."""
        self.report.section(f"Memory, {when}")
        used = accounting.memory(world.roots())
        for name, mib in used.items():
            self.report.add(f"{name}, {when}", "MiB", [mib])

    def sse(self, world: World) -> None:
        """Everything at once, and at a pace that a busy company has."""
        self.report.section(f"event stream, {streams.CLIENTS} clients on one edge")
        full = [streams.fan_out(world, 300 if self.options.quick else 1000) for _ in range(self.repeats)]
        self.report.add("delivered, all clients together", "events/s", [told.per_second for told in full])
        self.report.add("CPU of the edge meanwhile", "% of a core", [told.cpu_percent for told in full])
        paced = [streams.fan_out(world, int(20 * self.seconds), 20) for _ in range(self.repeats)]
        self.report.add("lag at 20 events/s, p95", "ms", [told.p95_ms for told in paced])
        self.report.add("CPU of the edge at 20 events/s", "% of a core", [told.cpu_percent for told in paced])

    def bus(self, world: World) -> None:
        """Last, because it leaves events behind that belong to no order, and consumers stopped."""
        self.report.section("The bus")
        many = 3000 if self.options.quick else 10_000
        add = self.report.add
        add(
            "relay, from one commit to the last confirm",
            "events/s",
            self.repeat(lambda: bus.relay(world, many)),
            target=3000,
        )
        world.settle()
        values = self.repeat(lambda: bus.product_consumer(world, many // 2))
        add("one consumer process, product replica", "events/s", values, target=300)
        world.settle()
        orders = bus.order_consumer(world, many // 2 if not self.options.quick else 1000)
        add("one consumer process, delivery and reservation of an order", "events/s", [orders], target=300)

    def _compare(self, name: str, orders: int, value: float) -> None:
        self.compared.setdefault(name, {})[orders] = value

    def compare(self, small: int, large: int) -> None:
        """What grows with the history."""
        self.report.section(f"{large:,} orders compared with {small:,}")
        for name, by_size in self.compared.items():
            if small in by_size and large in by_size:
                slower = " ms" in name
                ratio = by_size[large] / by_size[small]
                goal: dict[str, Any] = {"target": 1.1, "at_most": True} if slower else {"target": 0.9}
                self.report.add(f"ratio, {name}", "", [ratio], **goal)
