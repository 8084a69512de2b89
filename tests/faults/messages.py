"""Rows 22, 23, 24, 30 and 31: poison, garbage, passing failures, a lost queue, an event that nobody takes."""

import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from shared import contracts
from shared.api.handlers import collect, service_class
from shared.contracts import erp_inventory as inventory
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_event_id, new_id
from shared.messaging.topology import STREAM, bindings
from tests.faults.gates import Trial, gate
from tests.faults.rig import dumps, until
from tests.faults.workload import BOOKS, CONTACTS, SALES, STOCK
from tests.harness import message

_ATTEMPTS = 5
_FEW = {"LIAISON_NOT_YET_SECONDS": "0.2,0.2,0.4,0.4", "LIAISON_RETRY_SECONDS": "0.2,0.2,0.4,0.4"}
_PYTHON = "application/x-python-serialize"


def handlers_of(event: type) -> list[tuple[str, str]]:
    """(service, handler) of all that take an event."""
    return [(s, h.name) for s in contracts.SERVICES for h in collect(service_class(s)) if event in h.events]


def shipment_of_nothing() -> bytes:
    """It passes every schema and refers to an order that never was."""
    event = inventory.DeliveryShipped(
        delivery_id=new_id(), number="BL-0", order_id=new_id(), company_id=DEFAULT_COMPANY_ID, customer_id=new_id(),
        shipped_on=datetime.now(UTC).date(), lines=[],
    )  # fmt: skip
    return message(event, new_event_id(event.full_type))


@gate(22, "poison events beside healthy traffic")
def poison(trial: Trial) -> None:
    rig, count = trial.rig, 20 if trial.short else 100
    rig.restart_with([*rig.processes(SALES), *rig.processes(BOOKS)], **_FEW)
    trial.discards_parked = True
    takers = handlers_of(inventory.DeliveryShipped)
    work = trial.work()
    with work.running(clients=2):
        time.sleep(trial.lasting(15, 5))
        healthy = len(work.flows)
        with rig.channel(STOCK) as channel:
            channel.confirm_delivery()
            for _ in range(count):
                _publish(channel, "erp_inventory.delivery.shipped", shipment_of_nothing())
        until(lambda: _parked(trial, takers) == count * len(takers), 90, "poison parked")
        time.sleep(trial.lasting(10, 2))
    attempts = {row[0] for s, h in takers for row in _inbox(trial, s, h, "attempts")}
    before, meanwhile = _confirm_median(work, 0, healthy), _confirm_median(work, healthy, len(work.flows))
    trial.result.figures |= {
        "poison": count * len(takers), "attempts": sorted(attempts), "confirm_before_s": before, "confirm_beside_s": meanwhile
    }  # fmt: skip
    trial.result.expect(attempts == {_ATTEMPTS}, f"attempts {attempts} instead of {_ATTEMPTS}")
    trial.result.expect(meanwhile < 2 * before + 0.2, f"neighbours slowed from {before:.3f} to {meanwhile:.3f} s")
    trial.result.expect(_parked(trial, takers) == count * len(takers), "poison was dropped")


@gate(23, "garbage instead of events")
def garbage(trial: Trial) -> None:
    """Not JSON, no event, pickled, forged, 20 MB: kept as bytes at once, never logged, memory bounded."""
    rig, marker = trial.rig, f"marker-{uuid4().hex}"
    trial.discards_parked = True
    trial.nobody_may_exit()
    takers = handlers_of(inventory.ProductCreated)
    before = {name: size for name, size in rig.memory().items() if name.partition(".")[0] == SALES}
    bodies = _garbage(marker)
    with rig.channel(STOCK) as channel:
        channel.confirm_delivery()
        for content_type, body in bodies:
            _publish(channel, "erp_inventory.product.created", body, content_type=content_type)
    expected = {hashlib.sha256(body).hexdigest() for _, body in bodies}
    for service, handler in takers:
        until(lambda s=service, h=handler: len(_inbox(trial, s, h, "1")) >= len(expected), 60, "garbage parked")
        kept = {row[0] for row in _inbox(trial, service, handler, "encode(sha256, 'hex')")}
        trial.result.expect(kept == expected, f"{len(expected - kept)} bodies are not kept by {service}")
        largest = max(row[0] for row in _inbox(trial, service, handler, "length(envelope)"))
        trial.result.expect(largest <= 1024 * 1024, f"{largest} bytes of a message were kept")
    grown = {name: (size - before[name]) / 1e6 for name, size in rig.memory().items() if name in before}
    trial.result.figures |= {"bodies": len(bodies), "grown_mb": {n: round(g) for n, g in grown.items()}}
    trial.result.expect(max(grown.values()) < 150, f"memory grew by {grown} MB")
    trial.result.expect(marker not in rig.log(), "a body was logged")


def _garbage(marker: str) -> list[tuple[str, bytes]]:
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "type": "liaison.erp_inventory.product.created.v1",
        "note": marker,
    }
    good = "application/cloudevents+json"
    return [
        ("text/plain", marker.encode()),
        (_PYTHON, b"\x80\x04\x95\x10" + marker.encode()),
        (good, b'{"a":"' + marker.encode()),
        (good, b"\xff\xfe" + marker.encode()),
        (good, dumps({"x": marker})),
        (good, dumps(event)),
        (good, dumps({**event, "type": "liaison.erp_inventory.product.exploded.v9"})),
        (good, dumps({**event, "source": "/liaison/erp_finance"})),
        (good, b'{"specversion":"1.0","a":1,"a":2,"n":"' + marker.encode() + b'"}'),
        (good, b'{"specversion":"1.0","a":NaN,"n":"' + marker.encode() + b'"}'),
        (good, b'{"specversion":"1.0","a":1e400,"n":"' + marker.encode() + b'"}'),
        (good, b'{"specversion":"1.0","a":"\\ud800","n":"' + marker.encode() + b'"}'),
        (good, b'{"specversion":"1.0","a":"\\u0000","n":"' + marker.encode() + b'"}'),
        (good, b'{"specversion":"1.0","a":' + b"[" * 10_000 + b"]" * 10_000 + b',"n":"' + marker.encode() + b'"}'),
        (good, b'{"specversion":"1.0","n":"' + marker.encode() + b"x" * 20_000_000 + b'"}'),
    ]


@gate(24, "a handler that fails k times, then succeeds")
def passing_failure(trial: Trial) -> None:
    """Attempts come by the schedule: never early, at most two seconds late."""
    rig, tiers = trial.rig, (0.3, 0.6, 1.0, 1.5, 2.0, 2.5)
    rig.halt([f"{SALES}.2"])
    client = trial.work().client()
    rig.suite.quiesce()
    for k in (1, 3) if trial.short else (1, 2, 3, 4, 5, 6):
        plan = ",".join(f"after_inbox:{nth}:raise" for nth in range(1, k + 1))
        rig.restart_with([f"{SALES}.1"], LIAISON_FAULT=plan, LIAISON_RETRY_SECONDS=",".join(map(str, tiers)))
        name = f"Comptoir {k}"
        client.write(CONTACTS, "create_contact", "/v1/contacts", {"kind": "organization", "name": name})
        times = _attempt_times(trial, name, k + 1)
        late = [after - before - tier for before, after, tier in zip(times, times[1:], tiers, strict=False)]
        trial.result.expect(len(late) == k, f"{len(times)} attempts instead of {k + 1}")
        trial.result.expect(all(-0.1 < gap < 2 for gap in late), f"attempts off schedule by {late}")
        trial.result.figures[f"late_{k}"] = round(max(late, default=0.0), 2)
    client.close()


def _attempt_times(trial: Trial, name: str, wanted: int) -> list[float]:
    """When each attempt at the event of that contact ended, seen from outside."""
    row = (
        "SELECT attempts, state, extract(epoch FROM coalesce(processed_at, clock_timestamp())) FROM inbox"
        " WHERE consumer = 'copy_customer' AND event_id = %s"
    )
    find = "SELECT event_id::text FROM outbox WHERE envelope LIKE %s"
    event = until(lambda: trial.rig.sql(CONTACTS, find, f'%"{name}"%'))[0][0]
    seen: dict[int, float] = {}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for attempts, state, at in trial.rig.sql(SALES, row, event):
            seen.setdefault(attempts, float(at))
            if state in ("done", "parked"):
                trial.result.expect(state == "done" and attempts == wanted, f"{state} after {attempts} attempts")
                return [seen[n] for n in sorted(seen)]
        time.sleep(0.02)
    return []


@gate(30, "queues deleted while their service is down")
def lost_queues(trial: Trial) -> None:
    """Topology again, backfill from the outboxes of the others: the inboxes become complete."""
    rig, work = trial.rig, trial.work()
    client = work.client()
    since = datetime.now(UTC).isoformat()
    rig.halt(rig.processes(BOOKS))
    with rig.channel() as channel:
        for queue in bindings(service_class(BOOKS)):
            channel.queue_delete(queue)
    orders = [work.sell_only(client) for _ in range(3 if trial.short else 20)]
    missing = rig.sql(SALES, "SELECT count(*) FROM outbox WHERE created_at > %s", since)[0][0]
    # What is not published yet would wait for the new queues, and nothing would be lost.
    unsent = "SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE state = 'new')"
    until(lambda: all(rig.sql(service, unsent)[0][0] for service in (CONTACTS, SALES, STOCK)), 60, "published events")
    rig.topology()
    for name in rig.processes(BOOKS):
        rig.suite.supervisor.start(name)
    rig.suite.supervisor.wait_ready(60)
    trial.result.expect(rig.suite.unsettled().get("undelivered"), "nothing was lost: the fault did not strike")
    printed = [rig.operator("backfill", service, "--since", since) for service in (CONTACTS, SALES, STOCK)]
    rig.suite.quiesce(timeout=60)
    for flow in orders:
        work.carry_on(client, flow)
    client.close()
    trial.result.figures |= {
        "orders": len(orders),
        "events": missing,
        "backfilled": [int(p.split()[0]) for p in printed],
    }


@gate(31, "an event that no queue takes")
def unroutable(trial: Trial) -> None:
    rig, work = trial.rig, trial.work()
    client, key = work.client(), "crm_contacts.contact.created"
    before = rig.metric("bus_relay_published_total", rig.processes(CONTACTS), 'result="unroutable"')
    since = datetime.now(UTC).isoformat()
    with rig.channel() as channel:
        for service in contracts.SERVICES:
            for queue, keys in bindings(service_class(service)).items():
                for taken in {key, "#"} & set(keys):
                    channel.queue_unbind(queue, "events", taken)
        channel.queue_unbind(STREAM, "events", "#")
    body = {"id": str(new_id()), "kind": "organization", "name": "Nulle Part"}
    client.write(CONTACTS, "create_contact", "/v1/contacts", body, id=body["id"])
    client.close()
    marked = "SELECT count(*) FROM outbox WHERE state = 'unroutable'"
    until(lambda: rig.sql(CONTACTS, marked) == [(1,)], 20, "the row marked unroutable")
    counted = rig.metric("bus_relay_published_total", rig.processes(CONTACTS), 'result="unroutable"') - before
    trial.result.expect(counted == 1, f"the metric counts {counted}")
    told = [json.loads(line) for line in rig.log(*rig.processes(CONTACTS)).splitlines() if "unroutable event" in line]
    trial.result.expect(told and told[-1]["event_type"] == "liaison.crm_contacts.contact.created.v1", "not in the log")
    rig.topology()
    rig.operator("backfill", CONTACTS, "--since", since)


def _publish(channel: Any, key: str, body: bytes, content_type: str = "application/cloudevents+json") -> None:
    import pika

    properties = pika.BasicProperties(user_id=STOCK, content_type=content_type, delivery_mode=2)
    channel.basic_publish("events", key, body, properties, mandatory=True)


def _inbox(trial: Trial, service: str, handler: str, columns: str) -> list[tuple[Any, ...]]:
    return trial.rig.sql(service, f"SELECT {columns} FROM inbox WHERE consumer = %s AND state = 'parked'", handler)


def _parked(trial: Trial, takers: list[tuple[str, str]]) -> int:
    return sum(len(_inbox(trial, service, handler, "1")) for service, handler in takers)


def _confirm_median(work: Any, start: int, end: int) -> float:
    times = sorted(f.seconds["confirm"] for f in work.flows[start:end] if "confirm" in f.seconds)
    return float(times[len(times) // 2]) if times else 0.0
