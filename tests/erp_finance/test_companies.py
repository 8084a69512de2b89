"""A second company has its own chart, journals, years, numbers and books."""

import pytest

from erp_finance.service import ErpFinance
from shared import clock
from shared.ids import DEFAULT_COMPANY_ID
from shared.refusals import Invalid
from tests.erp_finance.goods import KEY, balances
from tests.harness import Harness


@pytest.fixture
def books(service) -> Harness:
    made: Harness = service(ErpFinance)
    return made


def test_the_default_company_is_there_and_can_be_named(books: Harness) -> None:
    (company,) = books.call("list_companies", query={})["data"]
    assert company["id"] == str(DEFAULT_COMPANY_ID)
    changed = books.call(
        "change_company", id=company["id"], if_match=company["version"],
        body={"name": "Lampes & Cie", "siren": "732829320", "address": {"town": "Lille", "country": "FR"}},
    )  # fmt: skip
    assert (changed["name"], changed["currency"], changed["version"]) == ("Lampes & Cie", "EUR", 2)
    assert changed["address"]["town"] == "Lille"
    with pytest.raises(Invalid):
        books.call("change_company", id=company["id"], if_match=2, body={"name": None})


def test_a_second_company_starts_with_books_of_its_own(books: Harness) -> None:
    company = books.call("create_company", body={"name": "Filiale", "fiscal_year_start": "07-01", "payment_days": 45})
    mine = {"company_id": company["id"]}
    (year,) = books.call("list_fiscal_years", query=mine)["data"]
    assert year["starts_on"].endswith("07-01") and year["starts_on"] <= clock.today().isoformat() <= year["ends_on"]
    codes = {journal["code"] for journal in books.call("list_journals", query=mine)["data"]}
    assert codes == {"VT", "AC", "BQ", "CA", "OD", "ST", "AN"}
    body = {**mine, "date": clock.today().isoformat(), "reference": "Capital",
            "lines": [{"account": "512", "debit": "9.00"}, {"account": "101", "credit": "9.00"}]}  # fmt: skip
    entry = books.call("create_journal_entry", body=body)
    posted = books.call("post_journal_entry", id=entry["id"], key=KEY.format("post"))
    assert posted["number"] == f"OD-{year['code']}-000001"
    assert balances(books, **mine) == {"101": -9, "512": 9}
    assert balances(books) == {}
    with pytest.raises(Invalid):
        books.call("create_company", body={"name": "X", "fiscal_year_start": "02-30"})


def test_accounts_are_added_inside_the_chart(books: Harness) -> None:
    account = books.call("create_account", body={"code": "411DUP", "name": "Client Dupont", "type": "asset"})
    assert account["name_en"] == "Client Dupont" and not account["blocked"]
    with pytest.raises(Invalid):
        books.call("create_account", body={"code": "999", "name": "Rien", "type": "asset"})
    found = books.call("list_accounts", query={"code[starts]": "411", "sort": "code"})["data"]
    assert [row["code"] for row in found] == ["411", "411DUP"]


def test_the_french_rates_are_built_in(books: Harness) -> None:
    rows = books.call("list_tax_codes", query={"kind": "sale"})["data"]
    assert {row["code"]: row["rate"] for row in rows} == {
        "S20": "20",
        "S10": "10",
        "S5.5": "5.5",
        "S2.1": "2.1",
        "S0": "0",
    }
    assert rows[0]["accounts"] == {"tax": "44571"}
