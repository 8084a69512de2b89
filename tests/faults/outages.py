"""Rows 6, 7, 8, 12, 13 and 17: broker and database that die, refuse, stall; a blocked event loop."""

import time

from tests.faults.client import History
from tests.faults.gates import Trial, gate
from tests.faults.rig import until
from tests.faults.workload import BOOKS, CONTACTS, SALES, STOCK, Workload


@gate(6, "kill -9 of RabbitMQ under load")
def kill_broker(trial: Trial) -> None:
    rig, work = trial.rig, trial.work()
    trial.nobody_may_exit()
    with work.running(clients=4):
        for _ in range(1 if trial.short else 2):
            time.sleep(trial.lasting(6, 3))
            rig.servers.kill_rabbitmq()
            time.sleep(trial.lasting(5, 2))
            rig.servers.start_rabbitmq()
            trial.result.figures["first_write_s"] = _until_accepted(trial, work)
    trial.result.expect(trial.result.figures["first_write_s"] < 30, "no write was accepted within 30 s")


@gate(7, "broker application stopped and started")
def stop_broker(trial: Trial) -> None:
    """Without a broker the gateway says so at once: 503 with Retry-After, never a hang."""
    rig, work = trial.rig, trial.work()
    trial.nobody_may_exit()
    with work.running(clients=3):
        time.sleep(2)
        rig.servers.stop_app()
        try:
            _expect_quick_503(trial, work, trial.lasting(20, 4))
        finally:
            rig.servers.start_app()
        trial.result.figures["first_write_s"] = _until_accepted(trial, work)


@gate(8, "all broker connections closed again and again")
def close_connections(trial: Trial) -> None:
    rig, work = trial.rig, trial.work()
    trial.nobody_may_exit()
    with work.running(clients=3):
        end, closed = time.monotonic() + trial.lasting(60, 6), 0
        while time.monotonic() < end:
            rig.servers.close_all_connections()
            closed += 1
            time.sleep(2)
    trial.result.figures["times"] = closed


@gate(12, "broker blocks publishers (memory alarm)")
def block_publishers(trial: Trial) -> None:
    rig, work = trial.rig, trial.work()
    trial.nobody_may_exit()
    with work.running(clients=3):
        time.sleep(2)
        rig.servers.set_vm_memory_high_watermark(0.0000001)
        try:
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 30))
            time.sleep(1)
            rig.operator("backfill", SALES, "--since", since)
            _expect_quick_503(trial, work, trial.lasting(25, 4))
            blocked = until(lambda: rig.metric("bus_relay_blocked", rig.processes(SALES)), 15, "bus_relay_blocked")
            trial.result.figures["relay_blocked"] = blocked
        finally:
            rig.servers.set_vm_memory_high_watermark(0.4)
        trial.result.figures["first_write_s"] = _until_accepted(trial, work)
    rig.suite.quiesce(timeout=120)
    trial.result.expect(rig.metric("bus_relay_blocked") == 0, "a relay still reads as blocked")


@gate(13, "PostgreSQL crashes and recovers under load")
def crash_database(trial: Trial) -> None:
    rig, work = trial.rig, trial.work()
    trial.nobody_may_exit()
    with work.running(clients=4):
        for _ in range(1 if trial.short else 3):
            time.sleep(trial.lasting(5, 2))
            rig.servers.restart_postgresql("immediate")
            trial.result.figures["first_write_s"] = _until_accepted(trial, work)
    trial.result.figures["http"] = dict(sorted(work.history.statuses.items()))


@gate(111, "PostgreSQL is away for a while")
def stop_database(trial: Trial) -> None:
    """A11: nobody ends, every line of every log stays structured, and the relays listen again afterwards."""
    rig, work = trial.rig, trial.work()
    trial.nobody_may_exit()
    begun = {name: len(rig.log(name)) for name in rig.suite.supervisor.names}
    with work.running(clients=3):
        time.sleep(2)
        rig.servers.stop_postgresql("immediate")
        time.sleep(trial.lasting(25, 6))
        rig.servers.start_postgresql()
        trial.result.figures["first_write_s"] = _until_accepted(trial, work)
    until(lambda: _listening(trial) >= {SALES, STOCK, BOOKS, CONTACTS}, 30, "relays that listen")
    told = {name: rig.log(name)[size:].splitlines() for name, size in begun.items()}
    raw = [f"{name}: {line}" for name, lines in told.items() for line in lines if not line.startswith("{")]
    trial.result.expect(not raw, f"{len(raw)} lines are not structured: {raw[:3]}")
    trial.result.expect(any("relay interrupted" in line for lines in told.values() for line in lines), "no outage")


def _listening(trial: Trial) -> set[str]:
    """The services in whose database a connection listens."""
    prefix = f"{trial.rig.suite.name}_"
    asked = "SELECT DISTINCT datname FROM pg_stat_activity WHERE query = 'LISTEN outbox' AND datname LIKE %s"
    rows = trial.rig._query(trial.rig.servers.pg_admin_url, asked, (f"{prefix}%",))
    return {str(name).removeprefix(prefix) for (name,) in rows}


@gate(17, "a handler blocks the event loop")
def block_the_loop(trial: Trial) -> None:
    """Longer than two heartbeats: the broker drops the connection, another replica repeats the message."""
    rig, seconds = trial.rig, trial.lasting(40, 8)
    rig.suite.supervisor.patience = 120  # longer than it is blocked
    begun = len(rig.log(f"{BOOKS}.1"))
    rig.arm([f"{BOOKS}.1"], f"after_inbox:5:spin={seconds:g}", once=True)
    work = trial.work()
    trial.nobody_may_exit()
    with work.running(clients=3):
        until(
            lambda: "event loop was blocked" in rig.log(f"{BOOKS}.1")[begun:],
            seconds + 60,
            "the alarm of the blocked loop",
        )
        time.sleep(trial.lasting(15, 4))
    trial.result.figures["blocked_s"] = seconds


def _expect_quick_503(trial: Trial, work: Workload, seconds: float) -> None:
    """For so long every request is refused within a second, with Retry-After; nothing hangs."""
    seen = History(trial.rig.root / "unused.jsonl")
    client = work.client()
    client.history = seen
    until(lambda: client.once("GET", "/v1/orders?limit=1").status == 503, 10, "the outage")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen.observe(client.once("GET", "/v1/orders?limit=1"))
        seen.observe(client.once("POST", "/v1/contacts", {"kind": "organization", "name": "never"}))
        time.sleep(0.05)
    client.close()
    trial.result.figures |= {"outage_requests": len(seen.seconds), "outage_p99_s": seen.slowest()}
    trial.result.expect(set(seen.statuses) == {503}, f"answers during the outage: {dict(seen.statuses)}")
    trial.result.expect(not seen.without_retry_after, "503 without Retry-After")
    trial.result.expect(seen.slowest() < 1, f"answers took {seen.slowest():.2f} s")


def _until_accepted(trial: Trial, work: Workload) -> float:
    """Seconds until each service accepts again."""
    client, started = work.client(), time.monotonic()
    paths = {SALES: "/v1/orders", STOCK: "/v1/products", BOOKS: "/v1/invoices", CONTACTS: "/v1/contacts"}
    for service, path in paths.items():
        until(lambda p=path: client.once("GET", f"{p}?limit=1").status == 200, 60, f"{service} to accept")
    client.close()
    seconds = time.monotonic() - started
    trial.result.recovery = max(trial.result.recovery, seconds)
    return seconds
