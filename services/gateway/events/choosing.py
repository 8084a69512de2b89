"""The parameter `types` of a request for events."""

from gateway.events import patterns
from shared.refusals import BadRequest


def chosen_types(given: str) -> frozenset[str]:
    """Full types that patterns separated by commas stand for. Raises BadRequest for one that matches nothing."""
    wanted = [part.strip() for part in given.split(",")]
    if len(wanted) > patterns.MOST:
        raise BadRequest([{"pointer": "?types", "code": "too_long"}])
    if unknown := patterns.unknown_among(wanted):
        raise BadRequest([{"pointer": "?types", "code": "unknown_event_type", "pattern": wanted[n]} for n in unknown])
    return patterns.types_of(wanted)
