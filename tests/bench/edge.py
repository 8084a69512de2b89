"""What the edge costs: the same operation over HTTP and called over AMQP, and requests that no service sees."""

from dataclasses import dataclass
from typing import Any

from tests.bench.report import Report, percentile
from tests.bench.world import World

_SERVICE, _OPERATION = "erp_inventory", "get_product"


@dataclass(frozen=True, slots=True)
class Timed:
    """The same requests, several times: `rates` per second of each run, and of all runs milliseconds per request."""

    rates: list[float]
    p50: float
    p95: float
    cpu: dict[str, float]
    runs: list[dict[str, Any]]

    @property
    def cpu_of_servers(self) -> float:
        """CPU of everything but the one who asks."""
        return sum(ms for name, ms in self.cpu.items() if name != "load generator")

    @property
    def told(self) -> str:
        spent = ", ".join(f"{name} {ms:.2f}" for name, ms in self.cpu.items() if ms >= 0.01)
        return f"  p50 {self.p50:.1f} ms, p95 {self.p95:.1f} ms; CPU ms: {spent}"


def timed(world: World, kind: str, seconds: float, repeats: int, **job: Any) -> Timed:
    """Let clients ask for so many seconds, after half a second that does not count."""
    world.load(kind, seconds=0.5, **job)
    world.disturbed()
    runs = [world.load(kind, seconds=seconds, **job) for _ in range(repeats)]
    times = [1000 * one for run in runs for one in run["seconds"]]
    used = {name: 1000 * sum(run["used"][name] for run in runs) / (len(times) or 1) for name in runs[0]["used"]}
    return Timed([run["rate"] for run in runs], percentile(times, 50), percentile(times, 95), used, runs)


def overhead(world: World, report: Report, clients: int, seconds: float, repeats: int) -> list[Timed]:
    """One product, called over AMQP and fetched over HTTP by so many clients, and what lies between the two."""
    product = world.products[0]
    called = timed(
        world, "rpc", seconds, repeats, clients=clients, operation=f"{_SERVICE}.{_OPERATION}", kwargs={"id": product},
        caller=world.suite.statement(_SERVICE), amqp_uri=world.suite.broker_uri("gateway"),
    )  # fmt: skip
    fetched = timed(world, "reads", seconds, repeats, clients=clients, paths=[f"/v1/products/{product}"])
    callers = f"{clients} caller" + ("s" if clients > 1 else "")
    for way, found in (("AMQP", called), ("HTTP", fetched)):
        report.add(f"one product over {way}, {callers}", "requests/s", found.rates)
        report.note(found.told)
    report.add(f"the gateway adds, p50, {callers}", "ms", [fetched.p50 - called.p50])
    report.add(f"the gateway adds, p95, {callers}", "ms", [fetched.p95 - called.p95])
    more = fetched.cpu_of_servers - called.cpu_of_servers
    report.add(f"the gateway adds, CPU of all servers together, {callers}", "ms", [more])
    report.add(f"CPU of the gateway alone for a request, {callers}", "ms", [fetched.cpu["gateway"]])
    return [called, fetched]


def alone(world: World) -> list[tuple[str, dict[str, Any]]]:
    """Requests that end at the edge or carry little: what they are, and the job that makes them."""
    product = f"/v1/products/{world.products[0]}"
    version = world.suite.api.http.get(product).json()["version"]
    unchanged = {"headers": f'If-None-Match: "{version}"\r\n', "status": 304}
    return [
        ("a list of 50 products", {"paths": ["/v1/products?limit=50"]}),
        ("one product, unchanged (304)", {"paths": [product], **unchanged}),
        ("token refused (401)", {"paths": [product], "token": "no.such.token", "status": 401}),
        ("livez", {"paths": ["/livez"]}),
    ]
