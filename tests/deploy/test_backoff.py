"""A process that dies again and again is started less and less often."""

from deploy.local.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff()
    assert [backoff.after_death(0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_healthy_life_starts_over() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after_death(1)
    assert backoff.after_death(60) == 0.5
    assert backoff.after_death(59.9) == 1


def test_thousands_of_deaths_do_not_overflow() -> None:
    backoff = Backoff(failures=100_000)
    assert backoff.after_death(0) == 30
