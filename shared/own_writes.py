"""A caller reads its own writes: what refers to something unknown waits for what the caller wrote elsewhere just before.

The edge sends along the ids of the caller's last events. Nobody waits for them as long as everything is known; only a
refusal because something does not exist is held back until this service has applied those that concern it.
"""

from shared.context import Context
from shared.refusals import Invalid, NotFound, NotYet, Refusal

PATIENCE = 2.0
"""Seconds. Events take milliseconds; what takes longer is a consumer that is down, which the caller should know."""

MOST = 20
"""Event ids beside one call."""


class NotArrived(NotYet):
    """What is referred to may be what the caller wrote a moment ago in another service. Details: event_ids."""

    en = (
        "This refers to something that does not exist here. What you wrote in the last 30 s has not all arrived at this"
        " service yet, and nothing was changed: send the same request again in a second."
    )
    fr = (
        "Ceci désigne un élément qui n'existe pas ici. Ce que vous avez écrit dans les 30 dernières secondes n'est pas"
        " entièrement parvenu à ce service et rien n'a été modifié : renvoyez la même demande dans une seconde."
    )


def is_unknown(refusal: Refusal) -> bool:
    """Whether it is refused because something that the path or the body refers to does not exist."""
    errors = refusal.errors if isinstance(refusal, Invalid) else []
    return refusal.code == NotFound.code or any(error.get("code") == NotFound.code for error in errors)


def can_wait(refusal: Refusal, context: Context) -> bool:
    """Whether what is refused may be known once the caller's own events have been applied."""
    return bool(context.own_writes) and is_unknown(refusal)


def told(refusal: Refusal, context: Context) -> Refusal:
    """What the caller is told after the waiting: to try again, where events of its own are still missing."""
    if context.missing and is_unknown(refusal):
        return NotArrived(event_ids=[str(event_id) for event_id in context.missing])
    return refusal
