"""`Process`: the frame around whatever moves a process on. It locks, compares the steps, publishes and records.

    with OrderProcess.of(session, event.order_id, about=event) as process:     # a fact: locks the order
        process.publish(process.aggregate.note_credit("approved", process.now))
    with OrderProcess.on(session, order) as process:                           # a person's command; the order is locked
        process.publish(order.cancel(reason, process.now))

Models return their events and know nothing of this. At the end of the frame the events are published, and the steps that
changed and the facts of the trace are written in one statement; after an exception nothing is published.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, lazyload

from shared.kernel import clock
from shared.kernel.context import current
from shared.kernel.refusals import NotYet
from shared.process.refusals import NothingToResume
from shared.process.trace import Fact, document_of
from shared.process.writing import write
from shared.schema.contract import Event
from shared.schema.steps import Steps, StepStatus
from shared.storage.outbox import publish


class Proceeding(Protocol):
    """What an aggregate with a process has."""

    @property
    def id(self) -> UUID: ...
    @property
    def number(self) -> str: ...
    def steps(self) -> Sequence[StepStatus]:
        """All steps by the facts known so far; none before the process begins."""
        ...

    def resume(self) -> Iterable[Event]:
        """The questions whose answers are missing, asked once more; none when it waits for no answer."""
        ...


A = TypeVar("A")
"""An aggregate that is Proceeding. (As a bound mypy looks at it before it knows what mapped columns are.)"""

CLASSES: dict[str, type["Process[Any]"]] = {}
"""The process of each resource by its path, of the services that have been imported."""


class Frame:
    """What is published in it is so at its end, and after an exception it is not."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._events: list[Event] = []

    def publish(self, events: Event | Iterable[Event]) -> None:
        """Publish what follows, at the end of the frame."""
        self._events += [events] if isinstance(events, Event) else events

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._close()

    def _close(self) -> None:
        for event in self._events:
            publish(self.session, event)


class Process(Frame, Generic[A]):
    """A frame of one aggregate: `class OrderProcess(Process[Order], of=Order, steps=ORDER_STEPS, unknown=OrderNotHere)`.

    `unknown` refuses a fact about an aggregate that is not in this database yet. A process may note facts of its own in
    further methods, and act on what it has published in `published`.
    """

    declared: ClassVar[Steps]
    unknown: ClassVar[type[NotYet]]
    _locked: ClassVar[Any]

    def __init_subclass__(cls, *, of: type[Any], steps: Steps, unknown: type[NotYet]) -> None:
        super().__init_subclass__()
        cls.declared, cls.unknown = steps, unknown
        found = select(of).where(of.id == bindparam("id")).with_for_update(of=of).options(lazyload("*"))
        cls._locked = found.execution_options(populate_existing=True)
        CLASSES[steps.path] = cls

    def __init__(self, session: Session, aggregate: Any, about: Event | None) -> None:
        super().__init__(session)
        self.now = clock.now()
        self.aggregate: A = aggregate
        self._own: Proceeding = aggregate
        self._about, self._new = about, False
        self._before: list[StepStatus] = []

    @classmethod
    def of(cls, session: Session, id: UUID, *, about: Event) -> Self:
        """The frame of a fact that another service published: the aggregate stays locked until the transaction ends.

        It is loaded without what belongs to it. Raises the refusal `unknown`.
        """
        aggregate = session.scalars(cls._locked, {"id": id}).one_or_none()
        if aggregate is None:
            raise cls.unknown(id=id)
        return cls(session, aggregate, about)

    @classmethod
    def on(cls, session: Session, aggregate: A) -> Self:
        """The frame of a person's command, which has the aggregate locked already."""
        return cls(session, aggregate, None)

    @classmethod
    def start(cls, session: Session, aggregate: A) -> Self:
        """The frame of a new aggregate whose process begins at once: it is stored, and all its steps are new."""
        session.add(aggregate)
        session.flush()
        made = cls(session, aggregate, None)
        made._new = True
        return made

    @property
    def actor(self) -> str:
        """Who acts."""
        return current(self.session).actor

    @property
    def event_time(self) -> datetime:
        """When the fact became true, by the clock of the service that published it."""
        return current(self.session).event_time or self.now

    def published(self, event: Event) -> None:
        """Called with each event that was published; for what the process itself does then."""

    def restart(self, *names: str) -> None:
        """Count the time of these steps from now, even where nothing else of them changes."""
        self._before = [step for step in self._before if step.name not in names]

    def resume(self) -> None:
        """Ask again. Raises NothingToResume."""
        events = list(self._own.resume())
        if not events:
            raise NothingToResume(number=self._own.number)
        self.restart(*(step.name for step in self._before if step.status == "pending"))
        self.publish(events)

    def __enter__(self) -> Self:
        frames = self.session.info.setdefault("processes", set())
        if self._own.id in frames:
            raise RuntimeError(f"a frame of {self.declared.one} {self._own.id} is open already")
        frames.add(self._own.id)
        self._before = [] if self._new else list(self._own.steps())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.session.info["processes"].discard(self._own.id)
        super().__exit__(kind, error, at)

    def _close(self) -> None:
        facts = [Fact.received(self.session, self._document(self._about), self.event_time)] if self._about else []
        for event in self._events:
            event_id = publish(self.session, event)
            facts.append(Fact.published(self.session, self._document(event), event, event_id))
            self.published(event)
        changed = [step for step in self._own.steps() if step not in self._before]
        if changed or facts:
            write(self.session, self.declared, self._own.id, changed, facts)

    def _document(self, event: Event) -> tuple[str, UUID, str]:
        kind, id_, number = document_of(event)
        return kind, id_, number or (self._own.number if id_ == self._own.id else "")
