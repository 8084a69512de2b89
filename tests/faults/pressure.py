"""Rows 28, 32 and 60: ten times too many requests; services that are dead, frozen, or whose replies are lost; one user
who wants all."""

import signal
import threading
import time
from collections import Counter
from typing import Any
from uuid import uuid4

from shared.kernel.ids import new_event_id, new_id
from tests.faults.client import Answer, Client, History
from tests.faults.gates import Trial, gate
from tests.faults.rig import DEADLINE, until
from tests.faults.workload import SALES, STOCK, Workload


@gate(28, "a burst of orders")
def burst(trial: Trial) -> None:
    """As many orders as clients can send in ten seconds: what is accepted is kept, the rest is told so."""
    rig, work = trial.rig, trial.work()
    trial.nobody_may_exit()
    until_ = time.monotonic() + trial.lasting(10, 4)
    seen: Counter[int] = Counter()
    threads = [
        threading.Thread(target=_fire, args=(work, work.client(), until_, seen))
        for _ in range(24 if trial.short else 64)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drained = time.monotonic()
    rig.suite.quiesce(timeout=180)
    trial.result.figures |= {
        "sent": sum(seen.values()), "http": dict(sorted(seen.items())), "p99_s": work.history.slowest(),
        "drain_s": time.monotonic() - drained,
    }  # fmt: skip
    odd = {status: n for status, n in seen.items() if status not in (200, 201, 429, 503)}
    trial.result.expect(not odd, f"other answers than accepted, 429 and 503: {odd} {dict(work.history.codes)}")
    trial.result.expect(not work.history.without_retry_after, "503 without Retry-After")


def _fire(work: Workload, client: Client, end: float, seen: Counter[int]) -> None:
    """Create and place orders, once each; a refusal is not asked again, only what was accepted counts."""
    while time.monotonic() < end:
        order = str(new_id())
        lines = [{"product_id": client.random.choice(work.products), "quantity": "1"}]
        body = {"id": order, "customer_id": work.customer, "lines": lines}
        if _once(client, seen, "create_order", "/v1/orders", body, order).status in (200, 201):
            _once(client, seen, "place_order", f"/v1/orders/{order}/place", None, order)
    client.close()


def _once(client: Client, seen: Counter[int], op: str, path: str, body: Any, id_: str) -> Answer:
    key, request_id = str(uuid4()), str(uuid4())
    answer = client.once("POST", path, body, headers={"Idempotency-Key": key, "X-Request-Id": request_id})
    client.history.attempt(SALES, op, key, request_id, id_, answer)
    seen[answer.status] += 1
    return answer


@gate(60, "one user asks 450 times at once for what never comes")
def crowd_of_one(trial: Trial) -> None:
    """A8: with `wait_for` of an event that nobody published, then with slow lists; other users are answered as ever."""
    rig = trial.rig
    invented = str(new_event_id("liaison.erp_inventory.product.created.v1"))
    unused = History(rig.root / "unused.jsonl")
    other = rig.suite.user("bystander@suite.example", "sales")
    for what, path in {"wait_for": f"/v1/orders?wait_for={invented}", "lists": "/v1/orders?limit=200&q=e"}.items():
        clients = [Client(rig.suite.base_url, rig.suite.api.token, unused) for _ in range(450)]
        threads = [threading.Thread(target=client.once, args=("GET", path)) for client in clients]
        for thread in threads:
            thread.start()
        slowest = 0.0
        while any(thread.is_alive() for thread in threads):
            begun = time.monotonic()
            status = other.http.get("/v1/orders?limit=1").status_code
            slowest = max(slowest, time.monotonic() - begun)
            trial.result.expect(status == 200, f"{what}: another user is answered {status}")
            time.sleep(0.1)
        for client in clients:
            client.close()
        trial.result.figures[f"{what}_others_slowest_s"] = slowest
        trial.result.expect(slowest < 3, f"{what}: another user waited {slowest:.1f} s")


@gate(32, "a service that is dead, frozen, or whose replies are lost")
def dead_target(trial: Trial) -> None:
    """The caller is told within the deadline, of a dead service within a second; what it gave up is not carried out
    later; the same key still works."""
    rig, work = trial.rig, trial.work()
    client = work.client()
    products = rig.processes(STOCK)
    for how in ("dead", "frozen"):
        chosen, key = str(new_id()), str(uuid4())
        if how == "dead":
            rig.halt(products)
        else:
            _signal(trial, signal.SIGSTOP)
        answers = [_create(client, chosen, key), client.once("GET", "/v1/products?limit=1")]
        elsewhere = client.once("GET", "/v1/contacts?limit=1")
        _check_told(trial, how, answers)
        trial.result.expect(elsewhere.status == 200, f"{how}: another service answers {elsewhere.status}")
        if how == "dead":
            for name in products:
                rig.suite.supervisor.start(name)
            rig.suite.supervisor.wait_ready(60)
        else:
            _signal(trial, signal.SIGCONT)
        until(lambda: client.once("GET", "/v1/products?limit=1").status == 200, 60, "products again")
        time.sleep(1)
        later = rig.sql(STOCK, "SELECT count(*) FROM product WHERE id = %s", chosen)[0][0]
        trial.result.expect(later == 0, f"{how}: a command was carried out after its caller had given up")
        trial.result.expect(_create(client, chosen, key).status == 201, f"{how}: the same key does not work later")
    _lose_replies(trial, client)
    client.close()


def _lose_replies(trial: Trial, client: Client) -> None:
    """The gateway's reply queue is deleted under it: pending calls end, and it finds a way to hear again."""
    rig = trial.rig
    names = rig.servers.rabbitmqctl("list_queues", "-p", rig.suite.name, "name").split()
    replies = [name for name in names if name.startswith("rpc.reply-gateway-")]
    trial.result.expect(replies, "no reply queue was found")
    lost = time.monotonic()
    for name in replies:
        rig.servers.rabbitmqctl("delete_queue", "-p", rig.suite.name, name)
    answer = client.once("GET", "/v1/products?limit=1")
    trial.result.expect(answer.seconds < DEADLINE + 0.5, f"replies lost: answered after {answer.seconds:.1f} s")
    until(lambda: client.once("GET", "/v1/products?limit=1").status == 200, 30, "answers after the replies were lost")
    trial.result.figures["replies_back_s"] = time.monotonic() - lost


def _create(client: Client, chosen: str, key: str) -> Answer:
    body = {"id": chosen, "sku": chosen, "name": "ghost lamp"}
    return client.once("POST", "/v1/products", body, headers={"Idempotency-Key": key})


def _check_told(trial: Trial, how: str, answers: list[Answer]) -> None:
    slowest = max(answer.seconds for answer in answers)
    trial.result.figures |= {f"{how}_http": [a.status for a in answers], f"{how}_slowest_s": slowest}
    statuses, seconds = ({503}, 1.0) if how == "dead" else ({503, 504}, DEADLINE + 0.5)
    trial.result.expect({a.status for a in answers} <= statuses, f"{how}: {[a.status for a in answers]}")
    trial.result.expect(slowest < seconds, f"{how}: told after {slowest:.1f} s")
    trial.result.expect(all("retry-after" in a.headers for a in answers if a.status == 503), f"{how}: no Retry-After")


def _signal(trial: Trial, number: int) -> None:
    for name in trial.rig.processes(STOCK):
        trial.rig.suite.supervisor.send(name, number)
