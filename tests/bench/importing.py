"""A file of contacts: how long until the last one is there, and how the service answers meanwhile."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from tests.bench.report import percentile
from tests.suite import Api, Suite

_HEADER = "kind;first_name;last_name;email;phone;addresses.0.type;addresses.0.street;code postal;ville;roles;external_ids.old\n"


def people(count: int, mark: str) -> bytes:
    """A CSV file as another system would write it: each with an address, an e-mail, a phone and an id."""
    rows = (
        f"person;Camille {n};{mark};camille.{n}@{mark}-{n % 500}.example.fr;01{n:08};billing;{n % 200} rue Neuve;"
        f"{75001 + n % 20};Paris;{('customer', 'supplier', 'prospect')[n % 3]};{mark}-{n}\n"
        for n in range(count)
    )
    return (_HEADER + "".join(rows)).encode()


def begin(api: Api, content: bytes, **values: str) -> Any:
    """Send a file; returns the job."""
    headers = {"Idempotency-Key": str(uuid4())}
    answer = api.http.post(
        "/v1/contacts/import", files={"file": ("people.csv", content)}, data=values, headers=headers, timeout=120
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


def watched(
    api: Api, job: Any, timeout: float = 600, meanwhile: Callable[[], Any] = lambda: None
) -> tuple[Any, list[float], list[int]]:
    """Wait for the end; returns the job, the times of other requests to the same service, and the progress seen."""
    seconds, seen = list[float](), list[int]()
    deadline = time.monotonic() + timeout
    while job["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, job
        seconds.append(_took(api))
        meanwhile()
        job = api.get(f"/v1/jobs/{job['id']}")
        seen.append(job["progress"]["done"])
        time.sleep(0.1)
    return job, seconds, seen


def _took(api: Api) -> float:
    begun = time.monotonic()
    api.get("/v1/contacts", limit=1)
    return time.monotonic() - begun


def _by_hand(api: Api) -> str:
    return str(api.post("/v1/contacts", {"kind": "organization", "name": "By hand"})["id"])


def _lags(suite: Suite, contacts: list[str]) -> list[float]:
    """Seconds from the writing of their events to their copies in crm_sales."""
    written = (
        "SELECT event_id::text, extract(epoch FROM created_at)::float FROM outbox WHERE aggregate_id = ANY(%s::uuid[])"
    )
    copied = (
        "SELECT event_id::text, extract(epoch FROM processed_at)::float FROM inbox"
        " WHERE consumer = 'copy_customer' AND event_id = ANY(%s::uuid[])"
    )
    since = dict(suite.sql("crm_contacts", written, contacts))
    return [at - since[event_id] for event_id, at in suite.sql("crm_sales", copied, [*since])]


def measure(suite: Suite, count: int) -> Iterator[tuple[str, str, float]]:
    """Figures (name, unit, value) of importing so many contacts, and of undoing it."""
    api, mark = suite.api, f"m{uuid4().hex[:6]}"
    content = people(count, mark)
    begun = time.monotonic()
    job = begin(api, content)
    yield "upload", "s", time.monotonic() - begun
    by_hand: list[str] = []
    done, seconds, seen = watched(api, job, meanwhile=lambda: by_hand.append(_by_hand(api)))
    took = time.monotonic() - begun
    assert done["status"] == "succeeded" and done["result"]["created"] == count, done
    yield f"import of {count:,} contacts", "s", took
    yield "imported", "contacts/s", count / took
    yield "progress figures seen", "", len(set(seen))
    yield "another request meanwhile, p95", "ms", 1000 * percentile(seconds, 95)
    suite.quiesce(600)
    yield "until every consumer had every event", "s", time.monotonic() - begun
    yield "from a contact made by hand meanwhile to its copy, p95", "s", percentile(_lags(suite, by_hand), 95)
    begun = time.monotonic()
    undone, _, _ = watched(api, api.post(f"/v1/jobs/{job['id']}/undo"))
    assert undone["result"]["deleted"] == count, undone
    yield "undo", "s", time.monotonic() - begun
    suite.quiesce(600)
