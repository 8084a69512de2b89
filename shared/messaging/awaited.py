"""The events that must be applied before a request is carried out: those of `wait_for`, and the caller's own last ones."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from shared import contracts
from shared.api.handlers import Handler
from shared.kernel import clock
from shared.kernel.context import Context
from shared.kernel.refusals import Invalid, Unavailable
from shared.messaging.applied import Applied

_ASK_AGAIN = 0.1
"""Seconds after which the inbox is asked again for what another replica may have applied."""

_FOR_THE_ANSWER = 0.3
"""Seconds before the caller's deadline at which waiting ends."""

_APPLIED = text(
    "SELECT event_id, consumer FROM inbox WHERE event_id = ANY (CAST(:event_ids AS uuid[])) AND state = 'done'"
)


class UnknownWaitFor(Invalid):
    """No event can have such an id, so nothing would ever be waited for."""

    code = "unknown_wait_for"
    en = "wait_for names an event that does not exist. Send ids as they came in the header X-Event-Id of an earlier answer."
    fr = (
        "wait_for désigne un événement qui n'existe pas. Envoyez les identifiants reçus dans l'en-tête X-Event-Id d'une"
        " réponse précédente."
    )


def check_known(event_ids: Iterable[UUID]) -> None:
    """Raises UnknownWaitFor for an id that is not of any type of event."""
    unknown = [str(one) for one in event_ids if one.version != 7 or contracts.type_of_event_id(one) is None]
    if unknown:
        raise UnknownWaitFor([{"pointer": "?wait_for", "code": "unknown_event"}], event_ids=unknown)


class Arrivals:
    """Which events one service has applied. What it does not listen to is nothing to wait for."""

    def __init__(self, consumers: Mapping[str, Handler], engine: Engine, applied: Applied) -> None:
        self._engine, self._applied = engine, applied
        self._listeners = Counter(event.full_type for handler in consumers.values() for event in handler.events)

    def lacking(self, event_ids: Iterable[UUID]) -> tuple[UUID, ...]:
        """Those of which this process does not know that they are applied; costs no question to the database."""
        return tuple(one for one in event_ids if self._applied.count(one) < self._handlers_of(one))

    def missing(self, event_ids: Iterable[UUID], seconds: float, context: Context) -> tuple[UUID, ...]:
        """Wait until all are applied, at most so long; returns those that took longer. Raises Unavailable.

        A note of this process ends the waiting. The inbox, where other replicas leave theirs, is asked for all at once.
        """
        lacking, until = self.lacking(event_ids), _until(seconds, context)
        if not lacking:
            return ()
        with self._applied.signal(lacking) as signal:
            woken = False
            while True:
                if not woken:
                    self._ask_inbox(lacking)
                lacking = self.lacking(lacking)
                if not lacking or time.monotonic() > until:
                    return lacking
                woken = signal.wait(_ASK_AGAIN)
                signal.clear()

    def _handlers_of(self, event_id: UUID) -> int:
        return self._listeners.get(contracts.type_of_event_id(event_id) or "", 0)

    def _ask_inbox(self, event_ids: tuple[UUID, ...]) -> None:
        try:
            with self._engine.connect() as connection:
                found = connection.execute(_APPLIED, {"event_ids": list(map(str, event_ids))}).all()
        except SQLAlchemyError as error:
            raise Unavailable from error
        for event_id, consumer in found:
            self._applied.note(event_id, consumer)


def _until(seconds: float, context: Context) -> float:
    """On the monotonic clock: so long from now, but not beyond what the caller waits for the answer."""
    if context.deadline is not None:
        seconds = min(seconds, (context.deadline - clock.machine_now()).total_seconds() - _FOR_THE_ANSWER)
    return time.monotonic() + seconds
