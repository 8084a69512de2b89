"""When a delivery is tried again, and when a webhook is given up."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks import schedule
from gateway.webhooks.schedule import DELAYS, GiveUp, Retry, Schedule

EXACT = Schedule(jitter=0)


def test_the_delays_are_those_that_are_documented() -> None:
    minutes = [5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440]
    assert [EXACT.after(n, 0, 500, None) for n in range(1, 10)] == [Retry(60 * m) for m in minutes]


def test_after_the_last_one_the_webhook_is_given_up() -> None:
    assert EXACT.after(10, 0, 500, None) == GiveUp("retries_exhausted")
    assert EXACT.after(10, 0, None, None) == GiveUp("retries_exhausted")


def test_gone_is_believed_at_once() -> None:
    assert EXACT.after(1, 0, 410, None) == GiveUp("gone")


def test_five_days_of_nothing_but_failures_are_enough() -> None:
    five_days = timedelta(days=5).total_seconds()
    assert EXACT.after(3, five_days, 503, None) == GiveUp("failing_too_long")
    assert EXACT.after(3, five_days - 1, 503, None) == Retry(1800)


@pytest.mark.parametrize(("asked", "waits"), [(None, 300), (1, 300), (900, 900), (10**9, 86400)])
def test_a_receiver_may_ask_for_more_time_within_bounds(asked: float | None, waits: float) -> None:
    assert EXACT.after(2, 0, 429, asked) == Retry(waits)


@given(failures=st.integers(1, 9), share=st.floats(0, 1))
def test_jitter_stays_within_a_fifth(failures: int, share: float) -> None:
    found = Schedule(vary=lambda low, high: low + share * (high - low)).after(failures, 0, 500, None)
    assert isinstance(found, Retry)
    assert 0.8 * DELAYS[failures - 1] - 1e-6 <= found.seconds <= 1.2 * DELAYS[failures - 1] + 1e-6


def test_reasons_are_those_of_the_contract() -> None:
    from shared.contracts import gateway as contract

    assert schedule.REASONS == contract.DISABLED_REASONS
