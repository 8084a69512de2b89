"""Rows 1 to 4 and 34: processes that die, pause, retire and take over."""

import signal
import time

from deploy.local.plan import GATEWAY
from tests.faults.client import Client
from tests.faults.gates import Trial, gate
from tests.faults.rig import until
from tests.faults.workload import BOOKS, SALES, STOCK, Workload, seeded

_ORDER = (
    "SELECT count(*) FROM outbox a JOIN outbox b ON a.aggregate_id = b.aggregate_id AND split_part(a.routing_key, '.', 2) ="
    " split_part(b.routing_key, '.', 2) AND a.sequence < b.sequence WHERE a.published_at > b.published_at OR a.id > b.id"
)
"""Pairs of events of one aggregate that were sent in the wrong order."""


@gate(1, "kill -9 in handlers, before and after the commit")
def kill_in_handlers(trial: Trial) -> None:
    rig, choose = trial.rig, seeded(trial.rig.seed, 1)
    victims = [f"{service}.1" for service in (SALES, STOCK, BOOKS)]
    for victim in victims:
        points = ("before_commit", "after_commit", "after_commit_before_ack", "after_inbox")
        plan = ",".join(f"{point}:{choose.randint(25, 60)}:kill" for point in points)
        rig.arm([victim], plan)
    work = trial.work()
    with work.running(clients=4):
        until(lambda: _kills(trial) >= trial.lasting(4, 2), 120, "kills")
        time.sleep(trial.lasting(30, 4))
    trial.result.figures["duplicates_ignored"] = rig.metric("bus_consumed_total", None, 'result="duplicate"')


@gate(2, "relay dies between publishing and marking")
def kill_relay(trial: Trial) -> None:
    """Events go out twice; every effect stays one."""
    rig = trial.rig
    before = _ignored(trial)
    rig.arm(rig.processes(SALES), "relay_after_publish_before_mark:6:kill")
    rig.arm(rig.processes(STOCK), "relay_after_mark:9:kill,relay_before_publish:14:kill")
    work = trial.work()
    with work.running(clients=3):
        until(lambda: _kills(trial) >= trial.lasting(3, 2), 120, "kills")
        # Not every event concerns the books, so not every kill makes one of theirs come twice.
        until(lambda: _ignored(trial) > before, 120, "duplicates that were ignored")
        time.sleep(trial.lasting(25, 2))
    trial.result.figures["published_twice"] = _ignored(trial) - before


def _ignored(trial: Trial) -> float:
    """Events that reached the books twice."""
    return trial.rig.metric("bus_consumed_total", trial.rig.processes(BOOKS), 'result="duplicate"')


@gate(3, "relay frozen, then killed; another takes over")
def freeze_relay(trial: Trial) -> None:
    rig, work = trial.rig, trial.work()
    first = until(lambda: rig.relay_of(SALES), what="a relay")
    rig.suite.supervisor.patience = 120  # longer than it is frozen
    with work.running(clients=3):
        rig.suite.supervisor.send(first, signal.SIGSTOP)
        time.sleep(trial.lasting(20, 5))
        trial.result.expect(rig.relay_of(SALES) == first, "two relays: the lock moved while its session was alive")
        rig.suite.supervisor.send(first, signal.SIGCONT)
        time.sleep(trial.lasting(10, 3))
        holder = until(lambda: rig.relay_of(SALES), what="a relay")
        killed_at = time.monotonic()
        rig.suite.supervisor.kill(holder)
        until(lambda: rig.relay_of(SALES) not in (None, holder), 15, "another relay")
        trial.result.figures["takeover_s"] = time.monotonic() - killed_at
        time.sleep(trial.lasting(5, 1))
    rig.suite.quiesce(timeout=120)
    for service in (SALES, STOCK, BOOKS):
        disordered = rig.sql(service, _ORDER)[0][0]
        trial.result.expect(disordered == 0, f"{disordered} events of {service} were sent out of order")
    trial.result.expect(trial.result.figures["takeover_s"] < 10, "the other relay took over too late")


@gate(4, "rolling restart by SIGTERM under load")
def roll(trial: Trial) -> None:
    """Each process in turn ends by itself with 0; clients notice nothing but 503 with Retry-After."""
    rig, work = trial.rig, trial.work()
    names = rig.processes()
    rounds = names if not trial.short else [f"{SALES}.1", f"{BOOKS}.2"]
    codes = {}
    with work.running(clients=3):
        for name in rounds:
            by_itself = rig.suite.supervisor.stop(name)
            codes[name] = rig.suite.supervisor.exit_code(name)
            trial.result.expect(by_itself and codes[name] == 0, f"{name} ended with {codes[name]}")
            rig.suite.supervisor.start(name)
            rig.suite.supervisor.wait_ready(60, [name])
            time.sleep(trial.lasting(3, 1))
    bad = {status: n for status, n in work.history.statuses.items() if (status >= 500 and status != 503) or status == 0}
    trial.result.expect(not bad, f"clients saw {bad} {dict(work.history.codes)}")
    trial.result.expect(not work.history.without_retry_after, "503 without Retry-After")
    trial.result.figures |= {"restarted": len(codes), "http_503": work.history.statuses[503]}


@gate(34, "crm_sales killed at each step of the order process")
def kill_each_step(trial: Trial) -> None:
    """Orders for each (point, nth) until the process dies there, once; it comes back, and they are completed."""
    rig, work = trial.rig, trial.work()
    client = work.client()
    rig.halt([f"{SALES}.2"])
    points = {
        "rpc_after_work_before_reply": 3, "after_inbox": 6, "after_commit_before_ack": 6, "before_commit": 8,
        "relay_before_publish": 3, "relay_after_publish_before_mark": 3,
    }  # fmt: skip
    matrix = [(point, nth) for point, most in points.items() for nth in range(1, most + 1)]
    if trial.short:
        matrix = seeded(rig.seed, 34).sample(matrix, 3)
    for point, nth in matrix:
        rig.arm([f"{SALES}.1"], f"{point}:{nth}:kill", once=True)
        before, tries = _kills(trial), 0
        while _kills(trial) == before and tries < _ORDERS:
            tries += 1
            _sell_through(trial, work, client, f"killed at {point} {nth}")
        trial.result.expect(_kills(trial) > before, f"{point} {nth}: not reached by {tries} orders")
    client.close()
    trial.result.figures["steps"] = len(matrix)


_ORDERS = 5
"""On a busy machine events travel together, so that one order passes some points less often."""


def _sell_through(trial: Trial, work: Workload, client: Client, when: str) -> None:
    flow = work.sell_only(client)
    work.carry_on(client, flow)
    client.read(f"/v1/orders/{flow.order}", lambda order: order["status"] == flow.ends or flow.failure)
    trial.result.expect(not flow.failure, f"{when}: {flow.failure}")


def _kills(trial: Trial) -> int:
    return sum("SIGKILL" in line for line in trial.rig.deaths)


@gate(103, "processes that are frozen for good")
def freeze_for_good(trial: Trial) -> None:
    """A3: what does not answer for ten seconds is killed and started again; nothing is lost with it."""
    rig, work = trial.rig, trial.work()
    frozen = {name: rig.pids()[name] for name in (f"{SALES}.1", f"{STOCK}.2", GATEWAY)}
    with work.running(clients=3):
        begun = time.monotonic()
        for name in frozen:
            rig.suite.supervisor.send(name, signal.SIGSTOP)
        until(lambda: all(rig.pids().get(name) not in (None, pid) for name, pid in frozen.items()), 25, "new processes")
        trial.result.figures["started_again_s"] = time.monotonic() - begun
        rig.suite.supervisor.wait_ready(timeout=60)
        time.sleep(trial.lasting(10, 2))
    took = trial.result.figures["started_again_s"]
    trial.result.expect(9 < took < 20, f"they were started again after {took:.1f} s")
