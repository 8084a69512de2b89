"""A caller reads its own writes: what the caller wrote elsewhere just before is applied here before a request is carried out.

The edge sends two lists of ids of the caller's own events. Those of the last seconds (`last_writes`) are waited for
first, because what they changed may be known here, but not as it is now. If they take too long, a command is refused,
because it must not be decided on what the caller knows to be over; a query is answered with what there is. Those of half
a minute (`own_writes`) come when something was refused as unknown, and are waited for only then.
"""

from shared.kernel.context import Context
from shared.kernel.refusals import Invalid, NotFound, NotYet, Refusal

PATIENCE = 2.0
"""Seconds. Events take milliseconds; what takes longer is a consumer that is down, which the caller should know."""

MOST = 20
"""Event ids of each list beside one call, the latest ones: events of a kind arrive nearly in the order of their ids."""


class NotCaughtUp(NotYet):
    """What the caller wrote a moment ago in another service may decide over this command. Details: event_ids."""

    en = (
        "What you wrote a moment ago has not all arrived at this service yet, so this was not carried out and nothing was"
        " changed: send the same request again in a second."
    )
    fr = (
        "Ce que vous venez d'écrire n'est pas entièrement parvenu à ce service : la demande n'a donc pas été exécutée et"
        " rien n'a été modifié. Renvoyez-la dans une seconde."
    )


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


def check(kind: str, context: Context) -> None:
    """Raises NotCaughtUp for a command whose caller's last events were waited for in vain."""
    if kind == "command" and context.missing:
        raise NotCaughtUp(event_ids=[str(event_id) for event_id in context.missing])


def is_unknown(refusal: Refusal) -> bool:
    """Whether it is refused because something that the path or the body refers to does not exist."""
    errors = refusal.errors if isinstance(refusal, Invalid) else []
    return refusal.code == NotFound.code or any(error.get("code") == NotFound.code for error in errors)


def can_wait(refusal: Refusal, context: Context) -> bool:
    """Whether what is refused may be known once the caller's own events have been applied."""
    return bool(context.own_writes) and is_unknown(refusal)


def told(refusal: Refusal, context: Context) -> Refusal:
    """What the caller is answered after the waiting: to try again, where events of its own are still missing."""
    if context.missing and is_unknown(refusal):
        return NotArrived(event_ids=[str(event_id) for event_id in context.missing])
    return refusal
