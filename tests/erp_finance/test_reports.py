"""Reports agree with each other, at any date, in both languages."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from erp_finance.service import ErpFinance
from shared.contracts import erp_finance as finance
from shared.kernel.ids import new_id
from shared.kernel.refusals import BadRequest
from tests.days import present_day
from tests.erp_finance.goods import KEY, Order, balances, invoices, line, moved, pay, verified
from tests.harness import Harness


@pytest.fixture
def books(service) -> Harness:
    made: Harness = service(ErpFinance)
    return made


def days_of_stock(books: Harness) -> list[date]:
    """One euro enters on each of these days, in three months."""
    year = present_day().year
    days = [date(year - 1, 11, 30), date(year - 1, 12, 1), date(year - 1, 12, 15), date(year, 1, 1), date(year, 1, 2)]
    for day in days:
        assert books.deliver(moved(("inventory", "internal", "1.00"), on=day)) == "done"
    return days


def test_a_trial_balance_at_any_day_is_the_sum_of_the_lines_until_then(books: Harness) -> None:
    days = days_of_stock(books)
    for n, day in enumerate(days, start=1):
        assert balances(books, as_of=day.isoformat()) == {"37": n, "6037": -n}
        before = (day - timedelta(days=1)).isoformat()
        assert balances(books, as_of=before).get("37", 0) == n - 1
    assert balances(books, **{"from": days[1].isoformat(), "to": days[3].isoformat()})["37"] == 3
    assert balances(books, **{"from": days[2].isoformat(), "to": days[2].isoformat()})["37"] == 1


def test_names_are_in_the_language_of_the_reader(books: Harness) -> None:
    days_of_stock(books)
    english = books.call("report_trial_balance", query={})
    french = books.call("report_trial_balance", query={}, language="fr")
    assert [row["name"] for row in english["rows"]] == ["Merchandise in stock", "Change in stocks of merchandise"]
    assert [row["name"] for row in french["rows"]] == ["Stocks de marchandises", "Variation des stocks de marchandises"]
    assert english["as_of"] == present_day().isoformat() and english["currency"] == "EUR"
    assert "from" in english and "from_" not in english, "as the API document says (D5)"


def test_ledger_journal_and_statement_show_the_same_money(books: Harness) -> None:
    order = Order([line("Chair", "4", "25.00")])
    books.deliver(order.placed)
    books.deliver(order.shipped("1"))
    books.deliver(order.shipped("3"))
    first, second = invoices(books)
    pay(books, order.customer_id, "50.00", (first["id"], "30.00"), (second["id"], "10.00"))

    ledger = books.call("report_general_ledger", query={"account": "411"})
    assert [(row["debit"], row["credit"]) for row in ledger["rows"]] == [
        ("30.00", "0.00"),
        ("90.00", "0.00"),
        ("0.00", "50.00"),
    ]
    assert ledger["totals"] == {"debit": "120.00", "credit": "50.00", "balance": "70.00"}
    journal = books.call("report_journal", query={"journal": "VT"})
    assert journal["totals"] == {"debit": "120.00", "credit": "120.00", "balance": "0.00"}
    assert {row["journal"] for row in journal["rows"]} == {"VT"}
    statement = books.call("report_account_statement", query={"partner_id": str(order.customer_id)})
    assert [row["balance"] for row in statement["rows"]] == ["0.00", "30.00", "120.00", "70.00"]
    tomorrow = (present_day() + timedelta(days=1)).isoformat()
    later = books.call("report_account_statement", query={"from": tomorrow, "to": tomorrow})
    assert [(row["label"], row["balance"]) for row in later["rows"]] == [("Opening balance", "70.00")]


def test_aged_receivables_equal_the_customers_account_at_any_day(books: Harness) -> None:
    order = Order([line("Chair", "4", "25.00")], payment_days=0)
    books.deliver(order.placed)
    books.deliver(order.shipped())
    (invoice,) = invoices(books)
    payment = pay(books, order.customer_id, "150.00", (invoice["id"], "100.00"))
    (row,) = books.call("report_aged_receivables")["rows"]
    assert (row["not_due"], row["unallocated"], row["balance"]) == ("20.00", "50.00", "-30.00")
    in_forty_days = (present_day() + timedelta(days=40)).isoformat()
    (row,) = books.call("report_aged_receivables", query={"as_of": in_forty_days})["rows"]
    assert (row["days_31_60"], row["name"]) == ("20.00", "Lumières du Nord")
    yesterday = (present_day() - timedelta(days=1)).isoformat()
    assert books.call("report_aged_receivables", query={"as_of": yesterday})["rows"] == []
    assert D(row["balance"]) == balances(books)["411"]
    books.call("reverse_payment", id=payment["id"], key=KEY.format("bounce"), body={})
    (row,) = books.call("report_aged_receivables")["rows"]
    assert (row["not_due"], row["unallocated"], row["balance"]) == ("120.00", "0.00", "120.00")


def test_sums_over_many_of_the_largest_documents_stay_exact(books: Harness) -> None:
    """C3: a document is bounded, what adds up over documents has room for a million of the largest (`LARGEST_SUM`)."""
    largest, count, customer = "999999999999.99", 30, new_id()
    for n in range(count):
        order = Order([line("Sun", "1", largest, tax="S0")], customer_id=customer, number=f"SO-{n}")
        assert [books.deliver(event) for event in (order.placed, order.shipped())] == ["done"] * 2
        assert books.deliver(moved(("inventory", "internal", largest))) == "done"
    total = D(largest) * count
    told = [event.exposure for event in books.published() if isinstance(event, finance.CreditApproved)]
    assert told == [D(largest) * (n + 1) for n in range(count)], "the events keep to their schemas"
    assert balances(books) == {"411": total, "707": -total, "37": total, "6037": -total}
    assert D(books.call("report_aged_receivables")["totals"]["balance"]) == total
    statement = books.call("report_account_statement", query={"partner_id": str(customer)})
    assert D(statement["rows"][-1]["balance"]) == total
    assert verified(books)["verified"]


def test_crossed_dates_and_unknown_companies_are_refused(books: Harness) -> None:
    for query in ({"from": "2026-02-01", "to": "2026-01-01"}, {"company_id": "01900000-0000-7000-8000-00000000dead"}):
        with pytest.raises(BadRequest):
            books.call("report_trial_balance", query=query)
