"""The day of the company that every story plays in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from shared.contracts import erp_finance as finance
from shared.kernel import clock
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.time_zones import DEFAULT_ZONE, day_at


def present_day() -> date:
    """Today, as the clock of the test has it."""
    return day_at(clock.now(), DEFAULT_ZONE)


@contextmanager
def at(instant: str) -> Iterator[None]:
    """The clock of the test shows an instant, such as 2027-01-01T00:30:00+01:00."""
    with clock.shifted(datetime.fromisoformat(instant) - clock.now()):
        yield


NEW_YEAR = "2027-01-01T00:30:00+01:00"
"""Half an hour after midnight in Paris; in UTC, and in New York, it is still the old year."""


def in_new_york() -> finance.CompanyChanged:
    """The company of the stories moves to a zone where that moment is in the old year."""
    return finance.CompanyChanged(
        company_id=DEFAULT_COMPANY_ID, name="Liaison", currency="EUR", time_zone="America/New_York"
    )
