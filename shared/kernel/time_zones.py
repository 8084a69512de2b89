"""Time zones by their names in the IANA database: what a wall clock shows in one, and which there are."""

from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from marshmallow import ValidationError

DEFAULT_ZONE = "Europe/Paris"
"""The zone of a company that names none, and of one whose copy has not arrived yet."""


def day_at(instant: datetime, zone: str) -> date:
    """The date that a calendar on the wall shows at an instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def known_zone(name: str) -> str:
    """The name itself, as a validator of fields. Raises ValidationError for what is no zone."""
    if name not in _zones():
        raise ValidationError("invalid_time_zone")
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
