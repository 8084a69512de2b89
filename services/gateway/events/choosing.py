"""The parameter `types` of a request for events."""

from gateway.events import patterns
from shared.kernel.refusals import BadRequest, Invalid


def chosen_types(given: str) -> frozenset[str]:
    """Full types that patterns separated by commas stand for. Raises BadRequest for one that matches nothing."""
    wanted = parts_of(given)
    if len(wanted) > patterns.MOST:
        raise BadRequest([{"pointer": "?types", "code": "too_long"}])
    if unknown := patterns.unknown_among(wanted):
        raise BadRequest([{"pointer": "?types", "code": "unknown_event_type", "pattern": wanted[n]} for n in unknown])
    return patterns.types_of(wanted)


def check_known(given: str) -> None:
    """Raise Invalid for patterns in a body, of which one matches nothing or which are too many."""
    wanted = parts_of(given)
    if len(wanted) > patterns.MOST:
        raise Invalid.at("/types", "too_long")
    if patterns.unknown_among(wanted):
        raise Invalid.at("/types", "unknown_event_type")


def parts_of(given: str) -> list[str]:
    return [part.strip() for part in given.split(",")]
