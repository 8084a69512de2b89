"""Rows 39, 41 and 42: hostile requests."""

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from marshmallow import fields as ma

from gateway.docs import files
from shared import contracts
from shared.kernel.ids import new_id
from shared.schema.contract import Operation
from tests.faults.client import Answer, Client, History, sign_in
from tests.faults.gates import Trial, gate
from tests.faults.workload import BOOKS, CONTACTS, SALES, STOCK

SERVER_OWNED = {
    "version": 99, "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z", "status": "paid",
    "state": "posted", "number": "F-1", "net_total": "0.01", "gross_total": "0.01", "total": "0.01", "residual": "0",
    "balance": "1", "approved_by": "me", "role": "admin", "roles": ["admin"], "permissions": ["*"], "actor": "admin",
    "tenant_id": "x", "hash": "0", "seq": 1, "reserved": "9", "on_hand": "9", "posted_at": "2020-01-01T00:00:00Z",
    "__class__": {}, "constructor": {}, "$set": {},
}  # fmt: skip


@gate(39, "mass assignment: unknown and server-owned fields in every operation")
def mass_assignment(trial: Trial) -> None:
    client = trial.work().client()
    before = _audited(trial)
    tried = 0
    for operation in _writing():
        for body, pointers in _overfull(operation):
            answer = _send(client, operation, body)
            tried += 1
            told = {e.get("pointer") for e in (answer.json or {}).get("errors", []) if e["code"] == "unknown_field"}
            fine = _is_refused(operation, answer, pointers <= told)
            trial.result.expect(fine, f"{operation.name}: {answer.status} {sorted(pointers - told)[:4]}")
    trial.result.figures |= {"operations": len(_writing()), "bodies": tried}
    trial.result.expect(_audited(trial) == before, "something was stored")
    client.close()


def _is_refused(operation: Operation, answer: Answer, named: bool) -> bool:
    """With every such member named; where a file is sent, JSON is refused as a whole, and so is a body where none is taken."""
    if files.takes_form(operation):
        return answer.status == 415
    return answer.status == 422 and named if operation.request else 400 <= answer.status < 500


def _writing() -> list[Operation]:
    return [o for found in contracts.operations().values() for o in found.values() if o.method in ("POST", "PATCH")]


def _overfull(operation: Operation) -> list[tuple[Any, set[str]]]:
    """Bodies with members that the schema does not have, and the pointers that the answer must name."""
    if operation.request is None:
        return [(SERVER_OWNED, set())]
    schema = operation.request()
    extra = {name: value for name, value in SERVER_OWNED.items() if name not in schema.fields}
    bodies: list[tuple[Any, set[str]]] = [(extra, {f"/{_escaped(name)}" for name in extra})]
    for name, field in schema.fields.items():
        inner = field.inner if isinstance(field, ma.List) else field
        if isinstance(inner, ma.Nested):
            more = {n: v for n, v in SERVER_OWNED.items() if n not in inner.schema.fields}
            many = isinstance(field, ma.List)
            at = f"/{name}/0" if many else f"/{name}"
            bodies.append(({name: [more] if many else more}, {f"{at}/{_escaped(n)}" for n in more}))
    return bodies


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _send(client: Client, operation: Operation, body: Any) -> Answer:
    path = operation.path
    for name in operation.path_parameters:
        path = path.replace(f"{{{name}}}", operation.service if name == "service" else str(new_id()))
    headers = {"Idempotency-Key": str(uuid4())}
    if operation.method == "PATCH":
        headers |= {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"}
    return client.once(operation.method, path, body, headers=headers)


def _audited(trial: Trial) -> list[Any]:
    return [trial.rig.sql(s, "SELECT count(*) FROM audit")[0][0] for s in (CONTACTS, SALES, STOCK, BOOKS)]


# -- bodies that mean harm --------------------------------------------------------------------------------------------


def hostile_bodies() -> dict[str, bytes]:
    """Bodies that no parser may choke on; every one is refused."""
    name = b'{"kind":"organization","name":'
    return {
        "nested 10 000 levels": b"[" * 10_000 + b"]" * 10_000,
        "nested objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        "nested inside": name + b'"x","tags":' + b"[" * 500 + b"]" * 500 + b"}",
        "NaN": name + b"NaN}",
        "Infinity": name + b'"x","tags":[-Infinity]}',
        "1e400": name + b"1e400}",
        "huge integer": name + b"9" * 100_000 + b"}",
        "duplicate members": name + b'"a","name":"b"}',
        "lone surrogate": name + b'"\\ud800"}',
        "surrogate in a key": b'{"\\udc00":1}',
        "NUL escaped": name + b'"a\\u0000b"}',
        "NUL raw": name + b'"a\x00b"}',
        "not UTF-8": name + b'"\xff\xfe"}',
        "UTF-16": '{"name":"x"}'.encode("utf-16"),
        "BOM": b"\xef\xbb\xbf" + name + b'"x"}',
        "empty": b"",
        "only space": b"   ",
        "two values": b"{}{}",
        "trailing comma": name + b'"x",}',
        "comment": b"/* */ {}",
        "single quotes": b"{'name':'x'}",
        "2 MB": name + b'"' + b"x" * 2_000_000 + b'"}',
        "many members": b"{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}",
        "many errors": b'{"kind":"organization","name":"x","tags":[' + b",".join([b"1"] * 100_000) + b"]}",
        "long text": name + b'"' + b"x" * 500_000 + b'"}',
    }


@gate(41, "oversize, nesting, NaN, duplicates, surrogates, NUL")
def hostile_input(trial: Trial) -> None:
    """Sent twice: what the first round needs the second must not need again."""
    work = trial.work()
    client = work.client()
    _warm(client)
    before, audited = trial.rig.memory(), _audited(trial)
    trial.nobody_may_exit()
    slowest, first = _attack(trial, client), trial.rig.memory()
    slowest = max(slowest, _attack(trial, client), key=lambda found: found[1])
    after = trial.rig.memory()
    client.close()
    grown = {name: (size - first[name]) / 1e6 for name, size in after.items() if name in first}
    trial.result.figures |= {
        "slowest": slowest[0], "slowest_s": slowest[1], "grown_mb": round(max(grown.values())),
        "grown_first_mb": round(max((size - before[name]) / 1e6 for name, size in first.items() if name in before)),
    }  # fmt: skip
    trial.result.expect(slowest[1] < 1, f"{slowest[0]} took {slowest[1]:.2f} s")
    trial.result.expect(max(grown.values()) < 20, f"memory grew: { {n: round(g) for n, g in grown.items() if g > 20} }")
    trial.result.expect(_audited(trial) == audited, "something was stored")


def _attack(trial: Trial, client: Client) -> tuple[str, float]:
    """Send all of it; returns the slowest body and its time in seconds."""
    slowest = ("", 0.0)
    for name, body in hostile_bodies().items():
        for path in ("/v1/contacts", "/v1/orders"):
            answer = client.once("POST", path, raw=body)
            slowest = max(slowest, (f"{name} {path}", answer.seconds), key=lambda found: found[1])
            trial.result.expect(answer.status in (400, 413, 422), f"{name} to {path}: {answer.status}")
    return slowest


def _warm(client: Client) -> None:
    for _ in range(20):
        client.once("POST", "/v1/contacts", {"kind": "organization"})
        client.once("POST", "/v1/orders", {"lines": []})


# -- idempotency ------------------------------------------------------------------------------------------------------


@gate(42, "idempotency keys abused")
def abuse_keys(trial: Trial) -> None:
    work = trial.work()
    client = work.client()
    body = {"customer_id": work.customer, "lines": [{"product_id": work.products[0], "quantity": "1"}]}
    for many in (50,) if trial.short else (1, 50):
        key = str(uuid4())
        answers = _at_once(trial, many, lambda c, key=key: c.once("POST", "/v1/orders", body, headers=_key(key)))
        made = {a.json["id"] for a in answers if a.status in (200, 201)}
        codes = {a.code for a in answers if a.status not in (200, 201)}
        trial.result.expect(len(made) == 1, f"{many} at once made {len(made)} orders")
        trial.result.expect(codes <= {"idempotency_running"}, f"{many} at once were told {codes}")
        again = client.once("POST", "/v1/orders", body, headers=_key(key))
        trial.result.expect({again.json["id"]} == made, "a later repetition made another order")
        trial.result.expect(again.headers.get("idempotency-replayed") == "true", "not marked as replayed")
        other = client.once("POST", "/v1/orders", {**body, "reference": "x"}, headers=_key(key))
        trial.result.expect((other.status, other.code) == (422, "idempotency_mismatch"), f"other body: {other.status}")
        _another_user(trial, work.customer, body, key, made)
    _chosen_id_at_once(trial, body)
    points = ("rpc_after_work_before_reply", "after_commit", "before_commit")
    for point in points[: 1 if trial.short else 3]:
        _crash_and_repeat(trial, client, body, point)
    client.close()


def _another_user(trial: Trial, customer: str, body: Any, key: str, made: set[str]) -> None:
    """The same key of somebody else is another key."""
    email = f"{uuid4().hex[:8]}@suite.example"
    trial.rig.suite.user(email, "admin").http.close()
    token = sign_in(trial.rig.suite.base_url, email, "another-long-password")
    other = Client(trial.rig.suite.base_url, token, History(trial.rig.root / "unused.jsonl"))
    answer = other.once("POST", "/v1/orders", body, headers=_key(key))
    trial.result.expect(answer.status == 201 and answer.json["id"] not in made, f"another user's key: {answer.status}")
    other.close()


def _chosen_id_at_once(trial: Trial, body: Any) -> None:
    chosen = {**body, "id": str(new_id())}
    answers = _at_once(trial, 20, lambda c: c.once("POST", "/v1/orders", chosen))
    statuses = sorted({a.status for a in answers})
    trial.result.expect(set(statuses) <= {200, 201, 409}, f"the same chosen id at once: {statuses}")
    trial.result.expect(sum(a.status == 201 for a in answers) == 1, "the same chosen id was created more than once")


def _crash_and_repeat(trial: Trial, client: Client, body: Any, point: str) -> None:
    """The process dies between effect and answer: the repetition gets the answer of the first."""
    rig = trial.rig
    rig.halt([f"{SALES}.2"])
    rig.suite.quiesce()
    for attempt in range(_CRASHES):
        rig.arm([f"{SALES}.1"], f"{point}:1:kill", once=True)
        if _repeated(trial, client, {**body, "reference": f"crash-{point}-{attempt}"}, point):
            break
    else:
        trial.result.expect(False, f"{point}: no crash while a request was under way")
    rig.suite.supervisor.start(f"{SALES}.2")
    rig.suite.supervisor.wait_ready(60)


_CRASHES = 4
"""Work that nobody asked for passes the same points, now and then before the request."""


def _repeated(trial: Trial, client: Client, body: Any, point: str) -> bool:
    """Whether the crash came between the request and its answer; the order is there once in any case."""
    key, found = str(uuid4()), list[Answer]()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not found or found[-1].status != 201):
        found.append(client.once("POST", "/v1/orders", body, headers=_key(key)))
        time.sleep(0.2)
    asked = "SELECT count(*) FROM sales_order WHERE reference = %s"
    count = trial.rig.sql(SALES, asked, body["reference"])[0][0]
    trial.result.expect(found[-1].status == 201 and count == 1, f"{point}: {found[-1].status}, {count} orders")
    trial.result.expect(found[0].status in (201, 503, 504), f"{point}: the crash was answered with {found[0].status}")
    return found[0].status in (503, 504)


def _at_once(trial: Trial, many: int, act: Callable[[Client], Answer]) -> list[Answer]:
    answers: list[Answer] = []
    gate_ = threading.Barrier(many)

    def one() -> None:
        client = trial.works[0].client()
        client.once("GET", "/v1/orders?limit=1")
        gate_.wait()
        answers.append(act(client))
        client.close()

    threads = [threading.Thread(target=one) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _key(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}
