"""Who asks, in which language, until when, and what caused it: travels beside every command, query and event."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from shared import ids


@dataclass(slots=True)
class Context:
    """The circumstances of one unit of work. For events, `event_*` describe what is being handled."""

    actor: str = "system"
    permissions: tuple[str, ...] = ()
    company_id: UUID = ids.DEFAULT_COMPANY_ID
    language: str = "en"
    request_id: str = ""
    traceparent: str | None = None
    correlation_id: str = ""
    causation_id: str = ""
    deadline: datetime | None = None
    idempotency_key: str | None = None
    if_match: int | str | None = None
    if_none_match: str | None = None
    wait_for: tuple[UUID, ...] = ()
    event_id: UUID | None = None
    event_type: str = ""
    event_cause: str = ""
    event_time: datetime | None = None
    published: list[UUID] = field(default_factory=list)

    def may(self, permission: str) -> bool:
        """Whether the caller holds a permission such as `sales.orders:release`; `*` in a held one matches anything."""
        return any(_matches(held, permission) for held in self.permissions)


def _matches(held: str, permission: str) -> bool:
    if held == "*" or held == permission:
        return True
    held_area, _, held_verb = held.partition(":")
    area, _, verb = permission.partition(":")
    same_area = held_area == "*" or held_area == area or (held_area.endswith(".*") and area.startswith(held_area[:-1]))
    return same_area and held_verb in ("*", verb)


def current(session: Session) -> Context:
    """The context of the transaction that a handler runs in."""
    context: Context = session.info["context"]
    return context


event_context = current
"""The same object, named for `@subscribe` handlers: there `.event_id`, `.event_type` and `.event_time` are set."""
