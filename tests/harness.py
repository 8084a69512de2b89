"""A service with a real database and no broker: call its operations, deliver events to it, look at what it published."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import contracts
from shared.api import operations
from shared.api.handlers import collect
from shared.jobs import handling
from shared.jobs.runner import Runner
from shared.kernel import ids, strict_json
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.ids import new_event_id
from shared.kernel.refusals import Refusal
from shared.messaging import inbox
from shared.schema.contract import Event
from shared.schema.derived.job_contract import CHUNK_BYTES
from shared.schema.envelope import dumps, write_head
from shared.storage.database import new_engine, new_session


class Harness:
    """One service on its own database, driven by the same code as the bus drives it."""

    def __init__(self, service_cls: type, url: str) -> None:
        self.service, self.url = service_cls(), url
        self.name: str = service_cls.name
        self.engine = new_engine(url)
        handlers = collect(service_cls)
        self.operations = {h.name: h for h in (*handlers, *handling.handlers(self.name)) if h.operation}
        self.consumers = {h.name: h for h in handlers if h.kind == "event"}
        self.recorders = {h.name: h for h in handlers if h.kind == "record"}
        self.timers = {h.name: h for h in handlers if h.kind == "timer"}
        self.inbox = inbox.Inbox(self.service, self.engine)
        self.jobs = Runner(self.service, self.name, self.engine, self.operations)
        with self.session() as session:  # what migrations announced is nobody's story
            self._seen = session.execute(text("SELECT coalesce(max(id), 0) FROM outbox")).scalar_one()
        self._sequences: dict[UUID, int] = {}

    def reply(
        self, operation: str, *, body: Any = None, query: dict[str, Any] | None = None, **given: Any
    ) -> operations.Reply:
        """Carry out an operation and return the whole reply, with status, ETag and event ids."""
        handler = self.operations[operation]
        assert handler.operation is not None
        kwargs = {name: str(given.pop(name)) for name in handler.operation.path_parameters}
        if body is not None:
            kwargs["body"] = strict_json.loads(dumps(body).encode())
        if query is not None:
            kwargs["query"] = query
        return operations.execute(self.service, self.engine, handler, kwargs, _context(given))

    def call(self, operation: str, **given: Any) -> Any:
        """Carry out an operation and return its answer as the API gives it. Raises Refusal."""
        return strict_json.loads(self.reply(operation, **given).body.encode())

    def verbs(self, operation: str, **given: Any) -> dict[str, str | None]:
        """What a record tells with `with=verbs`: for each verb None where it is possible, else the code of why not."""
        told = self.call(operation, query={"with": "verbs"}, **given)["verbs"]
        return {verb: reason and reason["code"] for verb, reason in told.items()}

    def refused(self, operation: str, **given: Any) -> str:
        """The code of the refusal in which an operation ends."""
        try:
            self.call(operation, **given)
        except Refusal as refusal:
            return refusal.code
        raise AssertionError(f"{operation} is not refused")

    def deliver(
        self, event: Event, *, event_id: UUID | None = None, sequence: int | None = None, actor: str = "tester"
    ) -> str:
        """Deliver an event to every handler of it; returns the (last) result: done, duplicate, skipped, retry, parked."""
        key = event.aggregate_id
        self._sequences[key] = sequence or self._sequences.get(key, 0) + 1
        body = message(event, event_id or new_event_id(event.full_type), self._sequences[key], actor)
        return self.deliver_body(event, body)

    def deliver_body(self, event: Event, body: bytes) -> str:
        """Deliver the very same bytes, e.g. once more."""
        wanting = [h for h in self.consumers.values() if type(event) in h.events]
        assert wanting, f"{self.name} does not listen to {event.full_type}"
        return [self.inbox.deliver(h, body, event.service) for h in wanting][-1]

    def record(self, recorder: str, *bodies: bytes) -> None:
        """Give one batch to a method that keeps all events."""
        from shared.schema.envelope import Received, read
        from shared.storage import transaction

        batch = [Received(read(body), body.decode()) for body in bodies]
        handler = self.recorders[recorder]
        transaction.run(self.engine, Context(), lambda s: handler.function(self.service, s, batch))

    def retry(self) -> int:
        """Run everything that waits for another attempt, as if its time had come."""
        with self.session() as session:
            session.execute(text("UPDATE inbox SET next_attempt_at = now() - interval '1 s' WHERE state = 'retry'"))
            session.commit()
        return self.inbox.retry_due(self.consumers)

    def tick(self, timer: str) -> None:
        """Run an @every handler now."""
        from shared.storage import transaction

        transaction.run(self.engine, Context(), lambda s: self.timers[timer].function(self.service, s))

    def upload(self, content: bytes, **given: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """Send a file ahead as the edge does; returns the query and the facts that an import needs."""
        upload_id = str(uuid4())
        for number, at in enumerate(range(0, len(content), CHUNK_BYTES)):
            piece = b64encode(content[at : at + CHUNK_BYTES]).decode()
            self.call("keep_chunk", id=upload_id, number=number, body={"content": piece}, **given)
        facts = {"name": "file.csv", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        return {"upload_id": upload_id}, facts

    def imported(self, operation: str, content: bytes, **options: Any) -> Any:
        """Import a file and wait for its end; returns the job."""
        query, file = self.upload(content)
        job = self.call(operation, query=query, body={"file": file, **options})
        return self.finished(job)

    def finished(self, job: Any) -> Any:
        """Carry out what waits; returns how this job ended."""
        while self.jobs.run_one():
            pass
        return self.call("get_job", id=job["id"])

    def published(self) -> list[Event]:
        """The events published since the last call, in order."""
        events = contracts.events()
        with self.session() as session:
            rows = session.execute(
                text("SELECT id, type, envelope FROM outbox WHERE id > :seen ORDER BY id"), {"seen": self._seen}
            ).all()
        self._seen = rows[-1].id if rows else self._seen
        return [events[row.type].from_data(strict_json.loads(row.envelope.encode())["data"]) for row in rows]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session for looking at rows."""
        with new_session(self.engine) as session:
            session.info["context"] = Context()
            yield session

    def close(self) -> None:
        self.engine.dispose()


def message(event: Event, event_id: UUID, sequence: int = 1, actor: str = "tester") -> bytes:
    """The body of an event message as the relay sends it."""
    head = write_head(event, event_id, now(), Context(actor=actor, correlation_id="story"))
    return f'{head},"sequence":"{sequence}"}}'.encode()


def _context(given: dict[str, Any]) -> Context:
    key = given.pop("key", None)
    request_id = given.pop("request_id", None) or str(uuid4())
    context = Context(
        actor=given.pop("actor", "tester"),
        permissions=tuple(given.pop("permissions", ("*",))),
        company_id=given.pop("company_id", ids.DEFAULT_COMPANY_ID),
        companies=given.pop("companies", None),
        team=tuple(given.pop("team", ())),
        api_key=given.pop("api_key", None),
        idempotency_key=key,
        if_match=given.pop("if_match", None),
        if_none_match=given.pop("if_none_match", None),
        language=given.pop("language", "en"),
        request_id=request_id,
        correlation_id=request_id,
        causation_id=request_id,
    )
    assert not given, f"unknown arguments {sorted(given)}"
    return context
