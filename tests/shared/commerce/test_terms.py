"""When documents are due. Known answers: terms of payment (PAY)."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.commerce.terms import LONGEST_DAYS, MONTH_ENDS, NET_DAYS, Instalment, Term, due_on, instalments

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("issued_on", "after", "before"),
    [
        ("2025-04-10", "2025-05-31", "2025-06-14"),  # FIN-PAY-01, solices.fr reads "after"
        ("2017-10-22", "2017-12-31", "2017-12-15"),  # FIN-PAY-04, both published
        ("2008-04-15", "2008-05-31", "2008-06-14"),  # FIN-PAY-06: 30 April and 45 days
        ("2019-01-01", "2019-02-28", "2019-03-17"),  # FIN-PAY-08, Odoo's tests read "before"
        ("2019-01-31", "2019-03-31", "2019-03-17"),  # FIN-PAY-10
    ],
)
def test_both_readings_of_45_days_end_of_month(issued_on: str, after: str, before: str) -> None:
    assert Term(days=45, end_of_month="after").due_on(day(issued_on)) == day(after)
    assert Term(days=45, end_of_month="before").due_on(day(issued_on)) == day(before)


@pytest.mark.parametrize(
    ("issued_on", "days", "due"),
    [
        ("2017-11-08", 30, "2017-12-08"),  # FIN-PAY-11
        ("2011-10-07", 45, "2011-11-21"),
        ("2011-10-07", 60, "2011-12-06"),
        ("2025-01-15", 30, "2025-02-14"),
        ("2024-02-29", 0, "2024-02-29"),
    ],
)
def test_net_days(issued_on: str, days: int, due: str) -> None:
    assert due_on(day(issued_on), days) == day(due)


@pytest.mark.parametrize(
    ("term", "dates"),
    [
        # FIN-PAY-13: the 15th, at least 31 days later; the last day of the month; the first of the next
        (
            Term(days=31, day_of_month=15),
            {"2019-01-01": "2019-02-15", "2019-01-15": "2019-02-15", "2019-01-31": "2019-03-15"},
        ),
        (Term(end_of_month="after"), {"2019-01-15": "2019-01-31", "2019-01-31": "2019-01-31"}),
        (Term(end_of_month="after", day_of_month=1), {"2019-01-01": "2019-02-01", "2019-01-31": "2019-02-01"}),
        (Term(day_of_month=31), {"2023-02-10": "2023-02-28", "2024-02-29": "2024-02-29", "2024-04-30": "2024-04-30"}),
    ],
)
def test_days_of_the_month(term: Term, dates: dict[str, str]) -> None:
    assert {issued_on: str(term.due_on(day(issued_on))) for issued_on in dates} == dates


def test_the_last_instalment_takes_the_rest() -> None:
    """FIN-PAY-16: 30 % at once, the balance in 60 days, of 1000.01."""
    terms = [Term(percent=D(30)), Term(percent=D(70), days=60)]
    assert instalments(D("1000.01"), day("2026-01-05"), terms) == [
        Instalment(day("2026-01-05"), D("300.00")),
        Instalment(day("2026-03-06"), D("700.01")),
    ]


@pytest.mark.parametrize("percents", [[], [50], [50, 49], [100, 1]])
def test_terms_that_are_not_the_whole_are_refused(percents: list[int]) -> None:
    with pytest.raises(ValueError):
        instalments(D(1), day("2026-01-05"), [Term(percent=D(percent)) for percent in percents])


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(1, 20), min_size=1, max_size=6), DAYS)
def test_instalments_add_up_to_the_amount(cents: int, weights: list[int], issued_on: date) -> None:
    gross, left = D(cents) / 100, 100 - sum(weights[:-1])
    terms = [Term(percent=D(n)) for n in (*weights[:-1], left)]
    found = instalments(gross, issued_on, terms)
    assert sum((part.amount for part in found), D(0)) == gross
    for part, term in zip(found, terms, strict=True):
        assert abs(part.amount - gross * term.percent / 100) <= D("0.01")


@given(DAYS, st.integers(0, 120), st.sampled_from(MONTH_ENDS), st.none() | st.integers(1, 31))
def test_nothing_is_due_before_its_days_have_passed(
    issued_on: date, days: int, end_of_month: str, day_of_month: int | None
) -> None:
    term = Term(days=days, end_of_month=end_of_month, day_of_month=day_of_month)
    due = term.due_on(issued_on)
    assert issued_on + timedelta(days=days) <= due < issued_on + timedelta(days=days + 31 + 31)
    if day_of_month:
        assert due.day == min(day_of_month, monthrange(due.year, due.month)[1])
    elif end_of_month == "after":
        assert (due + timedelta(days=1)).day == 1


def test_named_terms_are_lawful() -> None:
    """At most 60 net days (Code de commerce, art. L441-10)."""
    assert max(NET_DAYS.values()) == LONGEST_DAYS == 60
