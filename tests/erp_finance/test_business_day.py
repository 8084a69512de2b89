"""C4: numbers, accounting days and due dates follow the time zone of the company; C3: which days are refused."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from erp_finance.errors import DateInFuture
from erp_finance.service import ErpFinance
from shared.contracts import erp_finance as finance
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.refusals import Invalid
from tests.days import NEW_YEAR, at, present_day
from tests.erp_finance.goods import KEY, Order, invoices, known_customer, line, pay
from tests.harness import Harness


@pytest.fixture
def books(service: Callable[[type], Harness]) -> Harness:
    return service(ErpFinance)


def _move(books: Harness, zone: str) -> Any:
    version = books.call("get_company", id=DEFAULT_COMPANY_ID)["version"]
    return books.call("update_company", id=DEFAULT_COMPANY_ID, if_match=version, body={"time_zone": zone})


def _billed(books: Harness) -> tuple[str, str, str]:
    """Number, day and due date of the invoice of an order of services that is confirmed now."""
    order = Order([line("Advice", "1", "80.00", kind="service")])
    for fact in (order.placed, order.confirmed):
        assert books.deliver(fact) == "done"
    (invoice,) = (found for found in invoices(books) if found["order_id"] == str(order.id))
    return invoice["number"], invoice["issued_on"], invoice["due_on"]


def test_on_new_years_night_an_invoice_belongs_to_the_new_year(books: Harness) -> None:
    with at(NEW_YEAR):
        _move(books, "America/New_York")
        assert _billed(books) == ("FA-2026-00001", "2026-12-31", "2027-01-30")
        _move(books, "Europe/Paris")
        assert _billed(books) == ("FA-2027-00001", "2027-01-01", "2027-01-31")


def test_on_new_years_night_people_may_date_what_they_post_in_the_new_year(books: Harness) -> None:
    customer = known_customer(books)
    with at(NEW_YEAR):
        assert pay(books, customer, "5.00")["date"] == "2027-01-01"
        assert books.call("report_trial_balance", query={})["as_of"] == "2027-01-01"
        with pytest.raises(Invalid) as refused:
            pay(books, customer, "5.00", date="2027-01-02")
    assert refused.value.errors == [{"pointer": "/date", "code": "in_the_future"}]


def test_a_time_zone_is_one_of_the_iana_database(books: Harness) -> None:
    assert books.call("get_company", id=DEFAULT_COMPANY_ID)["time_zone"] == "Europe/Paris"
    for wrong in ("Europe/Lutetia", "+01:00", "../etc/passwd", ""):
        with pytest.raises(Invalid) as refused:
            _move(books, wrong)
        assert refused.value.errors == [{"pointer": "/time_zone", "code": "invalid_time_zone"}]
    with pytest.raises(Invalid):
        books.call("create_company", body={"name": "Filiale", "time_zone": "Mars/Olympus"})


def test_companies_and_locks_are_told(books: Harness) -> None:
    """C3, C4: what the other services keep copies of."""
    made = books.call("create_company", body={"name": "Filiale", "time_zone": "Indian/Reunion"})
    _move(books, "Europe/Brussels")
    (period,) = books.call("list_periods", query={"company_id": made["id"], "limit": "1"})["data"]
    for verb, body in (("lock", {}), ("unlock", None), ("lock", {"final": True})):
        books.call(f"{verb}_period", id=period["id"], body=body)
    added, year, changed, soft, opened, final = books.published()
    assert isinstance(year, finance.FiscalYearOpened) and str(year.company_id) == made["id"]
    assert isinstance(added, finance.CompanyAdded) and added.time_zone == "Indian/Reunion"
    assert isinstance(changed, finance.CompanyChanged) and changed.time_zone == "Europe/Brussels"
    assert changed.changes == {"time_zone": ["Europe/Paris", "Europe/Brussels"]}
    assert isinstance(soft, finance.PeriodLocked) and isinstance(final, finance.PeriodLocked)
    assert isinstance(opened, finance.PeriodUnlocked)
    assert (soft.final, final.final, str(final.company_id), final.starts_on.isoformat()) == (
        False, True, made["id"], period["starts_on"],
    )  # fmt: skip


def test_a_payment_is_not_dated_in_the_future(books: Harness) -> None:
    """C3: neither when it is drafted, nor a draft that was dated ahead when it is posted, nor its reversal."""
    customer, tomorrow = known_customer(books), (present_day() + timedelta(days=1)).isoformat()
    body = {"contact_id": str(customer), "amount": "5.00", "date": tomorrow}
    with pytest.raises(Invalid) as refused:
        books.call("create_payment", body=body)
    assert refused.value.errors == [{"pointer": "/date", "code": "in_the_future"}]
    with at(f"{tomorrow}T12:00:00+01:00"):
        ahead = books.call("create_payment", body=body)
    with pytest.raises(DateInFuture):
        books.call("post_payment", id=ahead["id"], key=KEY.format("ahead"))
    posted = pay(books, customer, "5.00")
    with pytest.raises(Invalid):
        books.call("reverse_payment", id=posted["id"], body={"date": tomorrow}, key=KEY.format("back"))
    assert books.call("get_payment", id=posted["id"])["status"] == "posted"


def _entry(books: Harness, on: date) -> str:
    lines = [{"account": "512", "debit": "10.00"}, {"account": "101", "credit": "10.00"}]
    made = books.call("create_journal_entry", body={"date": on.isoformat(), "lines": lines})
    books.call("post_journal_entry", id=made["id"], key=KEY.format(new_id().hex))
    return str(made["id"])


def test_a_reversal_is_not_dated_before_its_original(books: Harness) -> None:
    """C3: it is refused, where it used to be moved to the day of the original in silence."""
    before = {"date": (present_day() - timedelta(days=1)).isoformat()}
    payment, entry = pay(books, known_customer(books), "5.00")["id"], _entry(books, present_day())
    for operation, reversed_id in (("reverse_payment", payment), ("reverse_journal_entry", entry)):
        with pytest.raises(Invalid) as refused:
            books.call(operation, id=reversed_id, body=before, key=KEY.format(operation[:20]))
        assert refused.value.errors == [{"pointer": "/date", "code": "before_original"}]
    assert books.call("reverse_payment", id=payment, body={}, key=KEY.format("payment"))["status"] == "reversed"
    ahead = _entry(books, present_day() + timedelta(days=3))
    reversal = books.call("reverse_journal_entry", id=ahead, body={}, key=KEY.format("ahead"))
    assert reversal["date"] == (present_day() + timedelta(days=3)).isoformat(), "never before the original"
