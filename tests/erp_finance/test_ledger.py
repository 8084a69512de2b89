"""The ledger itself: drafts, periods, numbers without a gap, and what even the service's own role cannot do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from erp_finance.errors import (
    AlreadyReversed,
    EntryHasDocument,
    YearsDoNotAdjoin,
)  # fmt: skip
from erp_finance.service import ErpFinance
from shared.contracts import erp_finance as finance
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid, InvalidTransition
from shared.storage.closed_periods import NoPeriod, PeriodLocked, PeriodSoftLocked
from tests.days import at, present_day
from tests.erp_finance.goods import KEY, Order, balances, invoices, known_customer, line, moved, verified
from tests.harness import Harness


@pytest.fixture
def books(service) -> Harness:
    made: Harness = service(ErpFinance)
    return made


def draft(books: Harness, *sides: tuple[str, str, str], on: date | None = None, **fields: Any) -> dict[str, Any]:
    lines = [{"account": account, "debit": debit, "credit": credit} for account, debit, credit in sides]
    lines = lines or [{"account": "512", "debit": "1000.00"}, {"account": "101", "credit": "1000.00"}]
    body = {"date": (on or present_day()).isoformat(), "reference": "Capital", "lines": lines, **fields}
    made: dict[str, Any] = books.call("create_journal_entry", body=body)
    return made


def post(books: Harness, entry: dict[str, Any], **given: Any) -> dict[str, Any]:
    posted: dict[str, Any] = books.call("post_journal_entry", id=entry["id"], key=KEY.format(new_id().hex), **given)
    return posted


def period_of(books: Harness, day: date) -> dict[str, Any]:
    query = {"starts_on[lte]": day.isoformat(), "ends_on[gte]": day.isoformat()}
    (period,) = books.call("list_periods", query=query)["data"]
    return period  # type: ignore[no-any-return]


def test_a_draft_is_posted_once_and_reversed_once(books: Harness) -> None:
    entry = draft(books)
    assert (entry["status"], entry["number"], len(entry["lines"])) == ("draft", None, 2)
    assert balances(books) == {}
    posted = post(books, entry)
    assert (posted["status"], posted["number"]) == ("posted", f"OD-{present_day().year}-000001")
    assert [part["label"] for part in posted["lines"]] == ["Capital", "Capital"]
    with pytest.raises(InvalidTransition):
        post(books, entry)
    mirror = books.call("reverse_journal_entry", id=entry["id"], key=KEY.format("reverse"), body={})
    assert mirror["reverses_id"] == entry["id"] and mirror["lines"][0]["credit"] == "1000.00"
    assert books.call("get_journal_entry", id=entry["id"])["status"] == "reversed"
    with pytest.raises(AlreadyReversed):
        books.call("reverse_journal_entry", id=entry["id"], key=KEY.format("again"), body={})
    assert balances(books) == {"101": 0, "512": 0}
    listed = books.call("list_journal_entries", query={"status": "reversed"})["data"]
    assert [row["id"] for row in listed] == [entry["id"]]
    assert verified(books)["verified"]


def test_entries_are_found_by_the_partner_of_a_line(books: Harness) -> None:
    """D3/D4: `partner_id` looks into the lines, drafted or posted."""
    owing, other = known_customer(books), known_customer(books)
    lines = [{"account": "512", "debit": "10.00", "partner_id": str(owing)}, {"account": "101", "credit": "10.00"}]
    entry, plain = draft(books, lines=lines), draft(books)

    def found(**query: str) -> list[str]:
        return [row["id"] for row in books.call("list_journal_entries", query=query)["data"]]

    for _ in ("drafted", "posted"):
        assert found(partner_id=str(owing)) == [entry["id"]] and found(partner_id=str(other)) == []
        assert found(**{"partner_id[ne]": str(owing)}) == found(**{"partner_id[is_null]": "true"}) == [plain["id"]]
        if entry["status"] == "draft":
            entry = post(books, entry)


def test_what_is_no_entry_is_refused(books: Harness) -> None:
    def code(*sides: tuple[str, str, str], **fields: Any) -> tuple[str, str]:
        with pytest.raises(Invalid) as refused:
            draft(books, *sides, **fields)
        return refused.value.errors[0]["pointer"], refused.value.errors[0]["code"]

    assert code(("512", "10.00", "0.00"), ("101", "0.00", "9.99")) == ("/lines", "unbalanced")
    assert code(("512", "10.00", "10.00"), ("101", "0.00", "0.00")) == ("/lines", "not_one_sided")
    assert code(("512", "10.00", "0.00"), ("1O1", "0.00", "10.00")) == ("/lines/1/account", "not_found")
    assert code(journal="XX") == ("/journal", "not_found")
    (bank,) = books.call("list_accounts", query={"code": "512"})["data"]
    books.call("update_account", id=bank["id"], body={"blocked": True}, if_match=1)
    assert code() == ("/lines/0/account", "account_blocked")


def test_the_entry_of_a_document_is_corrected_through_the_document(books: Harness) -> None:
    order = Order([line("Clock", "1", "70.00")])
    books.deliver(order.placed)
    books.deliver(order.shipped())
    (invoice,) = invoices(books)
    with pytest.raises(EntryHasDocument):
        books.call("reverse_journal_entry", id=invoice["entry_id"], key=KEY.format("no"), body={})


def test_a_locked_period_takes_nothing(books: Harness) -> None:
    today, waiting = present_day(), draft(books)
    period = period_of(books, today)
    books.call("lock_period", id=period["id"], body={})
    with pytest.raises(PeriodSoftLocked):
        post(books, waiting, permissions=["finance.entries:post"])
    assert post(books, waiting)["status"] == "posted", "who may lock periods may post into a softly locked one"
    assert books.call("unlock_period", id=period["id"])["status"] == "open"

    waiting = draft(books)
    assert books.call("lock_period", id=period["id"], body={"final": True})["status"] == "locked"
    with pytest.raises(PeriodLocked):
        post(books, waiting)
    with pytest.raises(PeriodLocked):
        books.call("unlock_period", id=period["id"])


def test_facts_of_a_locked_period_are_posted_on_the_first_open_day(books: Harness) -> None:
    today, order = present_day(), Order([line("Clock", "1", "70.00")])
    books.call("lock_period", id=period_of(books, today)["id"], body={"final": True})
    books.deliver(order.placed)
    assert books.deliver(order.shipped()) == "done"
    assert books.deliver(moved(("internal", "customer", "30.00"))) == "done"
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    for entry in books.call("list_journal_entries")["data"]:
        assert entry["date"] == next_month.isoformat()
        assert entry["reference"].endswith(f"({today.isoformat()})")
    assert invoices(books)[0]["issued_on"] == next_month.isoformat()


def test_what_somebody_may_date_in_a_softly_locked_period_is_posted_there(books: Harness) -> None:
    """C3: stock, the invoice of a shipment, an invoice and a credit note by hand keep the date that was allowed."""
    today, order = present_day(), Order([line("Clock", "1", "70.00")])
    books.call("lock_period", id=period_of(books, today)["id"], body={})
    books.deliver(order.placed)
    assert books.deliver(order.shipped(passes_soft_locks=True)) == "done"
    assert books.deliver(moved(("internal", "customer", "30.00"), passes_soft_locks=True)) == "done"
    (invoice,) = invoices(books)
    note = books.call("credit_invoice", id=invoice["id"], key=KEY.format("soft"), body={"reason": "broken"})
    assert [invoice["issued_on"], note["issued_on"]] == [today.isoformat()] * 2
    entries = books.call("list_journal_entries")["data"]
    assert [(entry["date"], "(" in entry["reference"]) for entry in entries] == [(today.isoformat(), False)] * 3


def test_a_period_locked_for_good_takes_nothing_from_those_who_may_lock_either(books: Harness) -> None:
    """C3: a right to softly locked periods reaches the one of the date, not another; the next year opens by itself."""
    with at("2026-11-15T12:00:00+01:00"):
        books.call("lock_period", id=period_of(books, date(2026, 12, 1))["id"], body={})
        books.call("lock_period", id=period_of(books, present_day())["id"], body={"final": True})
        assert books.deliver(moved(("inventory", "internal", "1.00"), passes_soft_locks=True)) == "done"
    (entry,) = books.call("list_journal_entries")["data"]
    assert entry["date"] == "2027-01-01"


def test_facts_of_a_softly_locked_period_that_nobody_allowed_wait_for_the_next(books: Harness) -> None:
    """C3: a document that was quicker than the lock goes to the first open day."""
    today = present_day()
    books.call("lock_period", id=period_of(books, today)["id"], body={})
    assert books.deliver(moved(("inventory", "internal", "1.00"))) == "done"
    (entry,) = books.call("list_journal_entries")["data"]
    assert entry["date"] == (today.replace(day=1) + timedelta(days=32)).replace(day=1).isoformat()


def test_years_open_by_themselves_only_beside_the_present_one(books: Harness) -> None:
    year = present_day().year
    post(books, draft(books, on=date(year - 1, 12, 31)))
    post(books, draft(books, on=date(year + 1, 1, 1)))
    years = books.call("list_fiscal_years", query={"sort": "starts_on"})["data"]
    assert [found["code"] for found in years] == [str(year - 1), str(year), str(year + 1)]
    with pytest.raises(NoPeriod):
        post(books, draft(books, on=date(year + 2, 1, 1)))
    with pytest.raises(YearsDoNotAdjoin):
        books.call("create_fiscal_year", body={"starts_on": f"{year + 3}-01-01"})
    made = books.call("create_fiscal_year", body={"starts_on": f"{year + 2}-01-01", "ends_on": f"{year + 3}-06-30"})
    assert made["code"] == f"{year + 2}-{(year + 3) % 100:02}"
    assert len(books.call("list_periods", query={"fiscal_year_id": made["id"]})["data"]) == 18
    assert post(books, draft(books, on=date(year + 2, 1, 1)))["status"] == "posted"


def test_every_year_that_opens_is_told(books: Harness) -> None:
    """C3: services date nothing outside fiscal years, so they learn of those opened by hand and by themselves."""
    year = present_day().year
    with books.session() as session:
        announced = session.scalars(text("SELECT envelope::json #>> '{data,code}' FROM outbox")).all()
    assert announced == [str(year)], "the migration tells of what is open"
    post(books, draft(books, on=date(year - 1, 12, 31)))
    books.call("create_fiscal_year", body={"starts_on": f"{year - 2}-01-01"})
    told = [event for event in books.published() if isinstance(event, finance.FiscalYearOpened)]
    assert [(event.code, event.starts_on.year) for event in told] == [(f"{y}", y) for y in (year - 1, year - 2)]


def test_a_thousand_numbers_from_eight_threads_have_no_gap_and_no_error(books: Harness) -> None:
    orders = [Order([line("Bulb", "1", "1.00")], number=f"SO-{n}") for n in range(8)]

    def run(order: Order) -> set[str]:
        return {books.deliver(moved(("inventory", "internal", "1.00"))) for _ in range(125)}

    with ThreadPoolExecutor(8) as threads:
        assert set().union(*threads.map(run, orders)) == {"done"}
    with books.session() as session:
        found = session.execute(text("SELECT number, seq FROM journal_entry ORDER BY seq")).all()
    assert [row.number for row in found] == [f"ST-{present_day().year}-{n:06}" for n in range(1, 1001)]
    assert verified(books)["verified"]
    assert balances(books) == {"37": D("1000.00"), "6037": D("-1000.00")}


def test_invoice_numbers_of_concurrent_shipments_have_no_gap(books: Harness) -> None:
    orders = [Order([line("Bulb", "1", "1.00")], number=f"SO-{n}") for n in range(40)]
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda order: books.deliver(order.placed), orders)) == {"done"}
        assert set(threads.map(lambda order: books.deliver(order.shipped()), orders)) == {"done"}
    found = books.call("list_invoices", query={"sort": "number", "limit": "200"})["data"]
    assert [invoice["number"][-5:] for invoice in found] == [f"{n:05}" for n in range(1, 41)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal_entry SET reference = 'other'",
        "UPDATE journal_entry SET state = 'draft'",
        "DELETE FROM journal_entry",
        "TRUNCATE journal_entry CASCADE",
        "UPDATE journal_line SET debit = debit + 1",
        "DELETE FROM journal_line",
        "TRUNCATE journal_line",
        "UPDATE ledger_anchor SET hash = ''",
        "UPDATE invoice SET gross_total = gross_total + 1, net_total = net_total + 1",
        "UPDATE invoice SET number = 'FA-1'",
        "DELETE FROM invoice",
        "UPDATE invoice_line SET net = 0",
        "DELETE FROM legal_series",
        "DELETE FROM payment",
        "INSERT INTO journal_line (entry_id, position, company_id, date, account, label, debit, credit)"
        " SELECT id, 9, company_id, date, '512', 'x', 1, 0 FROM journal_entry",
    ],
)
def test_the_database_refuses_to_change_what_is_posted(books: Harness, statement: str) -> None:
    order = Order([line("Clock", "1", "70.00")])
    books.deliver(order.placed)
    books.deliver(order.shipped())
    books.tick("note_anchors")
    with psycopg2.connect(books.url) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.Error) as refused:
            cursor.execute(statement)
    connection.close()
    assert refused.value.pgcode == "42501"


def test_the_database_refuses_an_unbalanced_or_empty_entry(books: Harness) -> None:
    entry = (
        "INSERT INTO journal_entry (id, company_id, journal, date, reference, currency, state, fiscal_year, period_id,"
        " number, seq, prev_hash, hash, hash_version, total, line_count, posted_at) SELECT :id, company_id, 'OD', starts_on,"
        " '', 'EUR', 'posted', fiscal_year, id, 'OD-9', 9, repeat('0', 64), repeat('1', 64), 1, 10, 2, now()"
        " FROM period LIMIT 1"
    )
    one_line = (
        "INSERT INTO journal_line (entry_id, position, company_id, date, account, label, debit, credit) SELECT id, 1,"
        " company_id, date, '512', 'x', 10, 0 FROM journal_entry WHERE id = :id"
    )
    for statements in ([entry], [entry, one_line]):
        with books.session() as session, pytest.raises(DBAPIError) as refused:
            for statement in statements:
                session.execute(text(statement), {"id": new_id()})
            session.commit()
        assert refused.value.orig.pgcode in ("23514", "42501")


def test_verification_names_the_entry_that_was_changed_behind_our_back(books: Harness, databases: Any) -> None:
    for _ in range(3):
        books.deliver(moved(("inventory", "internal", "5.00")))
    books.tick("note_anchors")
    assert verified(books)["verified"]
    admin = psycopg2.connect(databases.admin_url.rsplit("/", 1)[0] + "/" + books.url.rsplit("/", 1)[1])
    with admin, admin.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE journal_line SET debit = debit + 1 WHERE account = '37' AND entry_id = "
                       "(SELECT id FROM journal_entry WHERE seq = 2)")  # fmt: skip
    admin.close()
    answer = verified(books)
    assert not answer["verified"]
    (bad,) = [journal for journal in answer["journals"] if not journal["verified"]]
    assert bad["journal"] == "ST" and bad["entries"] == 1
    assert (bad["first_bad"]["reason"], bad["first_bad"]["seq"]) == ("content_changed", 2)
    assert bad["first_bad"]["number"].endswith("000002")


def test_an_entry_has_the_bound_of_all_amounts(books: Harness) -> None:
    """C3: its lines are within it, their sum is not."""
    sides = [("512", "600000000000.00", "0"), ("101", "0", "600000000000.00")]
    with pytest.raises(Invalid) as refused:
        draft(books, *sides, *sides)
    assert refused.value.errors == [{"pointer": "/lines", "code": "out_of_range"}]


def test_a_draft_entry_tells_that_its_period_is_closed(books: Harness) -> None:
    """`?with=verbs` says what the verb is then refused with: to whom may not write into a softly locked period."""
    entry, old = draft(books), draft(books, on=date(present_day().year - 9, 5, 5))
    assert books.verbs("get_journal_entry", id=entry["id"])["post"] is None
    assert books.verbs("get_journal_entry", id=old["id"])["post"] == "no_period"
    assert books.refused("post_journal_entry", id=old["id"], key=KEY.format("old")) == "no_period"
    books.call("lock_period", id=period_of(books, present_day())["id"], body={})
    clerk = {"permissions": ("finance.entries:read", "finance.entries:post")}
    assert books.verbs("get_journal_entry", id=entry["id"])["post"] is None
    assert books.verbs("get_journal_entry", id=entry["id"], **clerk)["post"] == "period_soft_locked"
    assert books.refused("post_journal_entry", id=entry["id"], key=KEY.format("soft"), **clerk) == "period_soft_locked"
