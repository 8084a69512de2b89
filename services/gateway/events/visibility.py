"""Who may see which event. Pull, stream, webhooks and AMQP subscriptions all ask here."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from gateway.events.patterns import known_events
from shared.kernel.permissions import ALL, reach
from shared.schema.contract import Event

EVERY_COMPANY = UUID(int=0)
"""Stands for all companies in the store, those included that are yet to come."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A reader of events. `companies` are those that it may see, None for all."""

    permissions: tuple[str, ...]
    companies: frozenset[UUID] | None


def viewer(permissions: tuple[str, ...], companies: Iterable[UUID | str] | None) -> Viewer:
    """From what the caller's token or context says."""
    return Viewer(permissions, None if companies is None else frozenset(UUID(str(one)) for one in companies))


class Placed(Protocol):
    """An event in the store: its full type, the company in which it was published, and the companies that it is for where
    these say who may see it."""

    @property
    def type(self) -> str: ...
    @property
    def company_id(self) -> UUID: ...
    @property
    def companies(self) -> list[UUID] | None: ...


def may_see(who: Viewer, event: Placed) -> bool:
    """Whether to show this event."""
    return event.type in visible_types(who) and is_for(who.companies, event)


def is_for(companies: frozenset[UUID] | None, event: Placed) -> bool:
    """Whether an event is for somebody who may see these companies (None: all). The store asks the same in SQL."""
    if companies is None:
        return True
    if event.companies is None:
        return event.company_id in companies
    return not (companies | {EVERY_COMPANY}).isdisjoint(event.companies)


def may_see_entirely(who: Viewer, event: type[Event]) -> bool:
    """Whether he may see this event whatever company it is of."""
    return who.companies is None and event.full_type in visible_types(who)


def visible_types(who: Viewer) -> frozenset[str]:
    """Full types of the events whose permission he holds without restriction."""
    return _visible_types(who.permissions)


@lru_cache(maxsize=5000)
def _visible_types(permissions: tuple[str, ...]) -> frozenset[str]:
    """A permission that reaches only to one's own or one's team's records shows no events: they do not say whose it is."""
    return frozenset(event.full_type for event in known_events() if reach(permissions, event.permission) == ALL)
