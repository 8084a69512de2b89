"""`wait_for`: the events that a caller wants to be applied before the request is carried out."""

from collections.abc import Iterable
from uuid import UUID

from shared import contracts
from shared.refusals import Invalid


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
