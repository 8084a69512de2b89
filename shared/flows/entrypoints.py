"""The decorators of a flow file. Each also registers the method as a Nameko entrypoint, see `bus.py`."""

from collections.abc import Callable
from typing import Any, TypeVar

from nameko.extensions import register_entrypoint

from shared.api.handlers import Handler, mark
from shared.api.listing import ListRequest, Page
from shared.flows.bus import BusEntrypoint
from shared.schema.contract import Event, Operation

__all__ = ["ListRequest", "Page", "background", "command", "every", "query", "record", "subscribe"]

F = TypeVar("F", bound=Callable[..., Any])


def command(operation: Operation) -> Callable[[F], F]:
    """The method carries out an operation that changes something."""
    return _decorate(lambda f: Handler("command", f.__name__, f, operation=operation))


def query(operation: Operation) -> Callable[[F], F]:
    """The method answers an operation that changes nothing."""
    return _decorate(lambda f: Handler("query", f.__name__, f, operation=operation))


def subscribe(*events: type[Event], order: str = "any", locks: str = "") -> Callable[[F], F]:
    """The method reacts to events.

    `order="any"`: every event has its effect, in whatever order they come. `order="latest"`: for copies of what
    others own; an event that is older than the newest one already applied to the same aggregate is skipped. Such a
    method is given a list of events, at most one per aggregate and in the order of their ids, and keeps what they say
    in one statement (`copies.keep`). It publishes nothing: it speaks for no single event.

    `locks` is the field of all its events that holds the id of the one row which the method locks, and under whose lock
    stands all else that it changes. Then events that wait at the same time share a transaction, in the order of these
    ids (`shared/messaging/together.py`), so that no two transactions wait for each other in a circle.
    """
    if order not in ("any", "latest") or (locks and order == "latest"):
        raise ValueError(order)
    return _decorate(lambda f: Handler("event", f.__name__, f, events=events, order=order, locks=locks))


def record(function: F) -> F:
    """The method keeps every event of every service. It is given a list of `envelope.Received`, in one transaction.

    They come in the order of their queue, and may come again: the method recognises what it has by the event's id.
    """
    return _decorate(lambda f: Handler("record", f.__name__, f))(function)


def every(*, seconds: float = 0, minutes: float = 0, hours: float = 0) -> Callable[[F], F]:
    """The method runs once per period, whatever the number of replicas."""
    period = seconds + 60 * minutes + 3600 * hours
    return _decorate(lambda f: Handler("timer", f.__name__, f, period=period))


def background(function: F) -> F:
    """The method goes on beside the handlers for as long as the process lives, in every replica.

    It is given the engine and a threading.Event that tells it to end, and opens its transactions itself.
    """
    return _decorate(lambda f: Handler("background", f.__name__, f))(function)


def _decorate(build: Callable[[Callable[..., Any]], Handler]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        mark(function, build(function))
        register_entrypoint(function, BusEntrypoint())
        return function

    return decorate
