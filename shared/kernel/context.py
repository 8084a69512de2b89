"""Who asks, in which language, until when, and what caused it: travels beside every command, query and event."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from shared.kernel import ids
from shared.kernel.permissions import allows, reach

ANONYMOUS = "anonymous"
"""The actor of a call that nobody signed in for."""


@dataclass(slots=True)
class Context:
    """The circumstances of one unit of work. For events, `event_*` describe what is being handled.

    `companies` are those that the caller may see, None for all; `company_id` is the one worked in; `team` are the ids
    of the users whose records are within reach of `@team`, the caller's own among them. `api_key` is the id of the key
    with which a program acts for the actor. `if_match` is the version that the caller would change, several with commas
    between, or "*"; `if_none_match` are those that the caller has, in the same form. `last_writes` are the caller's own
    events of the last seconds, which are waited for first; `own_writes` those of a longer time, which are waited for where
    something is unknown; `missing` are those of them that were waited for in vain. `record_company` is the company of
    the record that a command changes.
    """

    actor: str = "system"
    permissions: tuple[str, ...] = ()
    company_id: UUID = ids.DEFAULT_COMPANY_ID
    companies: tuple[UUID, ...] | None = None
    team: tuple[UUID, ...] = ()
    api_key: UUID | None = None
    language: str = "en"
    request_id: str = ""
    traceparent: str | None = None
    correlation_id: str = ""
    causation_id: str = ""
    sent: datetime | None = None
    deadline: datetime | None = None
    idempotency_key: str | None = None
    if_match: int | str | None = None
    if_none_match: str | None = None
    wait_for: tuple[UUID, ...] = ()
    last_writes: tuple[UUID, ...] = ()
    own_writes: tuple[UUID, ...] = ()
    missing: tuple[UUID, ...] = ()
    event_id: UUID | None = None
    event_type: str = ""
    event_cause: str = ""
    event_time: datetime | None = None
    record_company: UUID | None = None
    published: list[UUID] = field(default_factory=list)

    @property
    def person(self) -> UUID | None:
        """The user who acts, or None where a program does."""
        return person_of(self.actor)

    def may(self, permission: str) -> bool:
        """Whether the caller holds a permission such as `sales.orders:release`; `*` in a held one matches anything."""
        return allows(self.permissions, permission)

    def reach(self, permission: str) -> str | None:
        """How far a permission reaches: "own", "team", "all", or None when the caller does not hold it."""
        return reach(self.permissions, permission)


def person_of(actor: str) -> UUID | None:
    """The user whom the name of an actor means, or None for a program."""
    try:
        return UUID(actor)
    except ValueError:
        return None


def current(session: Session) -> Context:
    """The context of the transaction that a handler runs in."""
    context: Context = session.info["context"]
    return context
