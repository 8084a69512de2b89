"""A second company has its own chart, journals, years, numbers and books."""

from typing import Any
from uuid import UUID

import pytest

from erp_finance.service import ErpFinance
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.refusals import BadRequest, Invalid, NotFound
from tests.days import present_day
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
        "update_company", id=company["id"], if_match=company["version"],
        body={"name": "Lampes & Cie", "siren": "732829320", "address": {"town": "Lille", "country": "FR"}},
    )  # fmt: skip
    assert (changed["name"], changed["currency"], changed["version"]) == ("Lampes & Cie", "EUR", 2)
    assert changed["address"]["town"] == "Lille"
    with pytest.raises(Invalid):
        books.call("update_company", id=company["id"], if_match=2, body={"name": None})


def test_an_address_keeps_what_a_patch_does_not_name(books: Harness) -> None:
    """D3: the street stays when the town changes, and null removes one part (RFC 7396)."""
    id_ = DEFAULT_COMPANY_ID
    whole = {"street": "rue Neuve", "building_number": "3", "town": "Lille", "country": "FR"}
    first = books.call("update_company", id=id_, if_match="*", body={"address": whole})["address"]
    assert {name: first[name] for name in whole} == whole
    after = books.call(
        "update_company", id=id_, if_match="*", body={"address": {"town": "Lyon", "building_number": None}}
    )
    assert (after["address"]["street"], after["address"]["town"]) == ("rue Neuve", "Lyon")
    assert after["address"].get("building_number") is None
    for wrong in ({"country": "F"}, {"moon": "x"}, {"town": ["Lyon"]}):
        with pytest.raises(Invalid):
            books.call("update_company", id=id_, if_match="*", body={"address": wrong})
    assert books.call("get_company", id=id_)["address"] == after["address"]


def test_a_second_company_starts_with_books_of_its_own(books: Harness) -> None:
    company = books.call("create_company", body={"name": "Filiale", "fiscal_year_start": "07-01", "payment_days": 45})
    mine = {"company_id": company["id"]}
    (year,) = books.call("list_fiscal_years", query=mine)["data"]
    assert year["starts_on"].endswith("07-01") and year["starts_on"] <= present_day().isoformat() <= year["ends_on"]
    codes = {journal["code"] for journal in books.call("list_journals", query=mine)["data"]}
    assert codes == {"VT", "AC", "BQ", "CA", "OD", "ST", "AN"}
    body = {**mine, "date": present_day().isoformat(), "reference": "Capital",
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


def test_who_may_see_one_company_learns_nothing_of_another(books: Harness) -> None:
    """Lists, single records, reports and the verification of chains; a foreign company looks like an unknown one."""
    other = books.call("create_company", body={"name": "Filiale"})["id"]
    here: dict[str, Any] = {"companies": (DEFAULT_COMPANY_ID,)}
    there: dict[str, Any] = {"companies": (UUID(other),), "company_id": UUID(other)}
    assert [row["id"] for row in books.call("list_companies", query={}, **there)["data"]] == [other]
    accounts = books.call("list_accounts", query={"include_total": "true"}, **there)
    assert {row["company_id"] for row in accounts["data"]} == {other} and accounts["total"] > len(accounts["data"])
    with pytest.raises(NotFound):
        books.call("get_company", id=other, **here)
    with pytest.raises(NotFound):
        books.call("get_account", id=accounts["data"][0]["id"], **here)
    for report in REPORTS:
        assert books.call(report, query={"company_id": other}, **there)["currency"] == "EUR"
        for unknown in (other, str(new_id())):
            with pytest.raises(BadRequest) as refused:
                books.call(report, query={"company_id": unknown}, **here)
            assert refused.value.errors == [{"pointer": "?company_id", "code": "not_found"}]
    chains = books.call("verify_ledger", **there)["journals"]
    assert chains and {chain["company_id"] for chain in chains} == {other}
    with pytest.raises(Invalid):
        books.call("create_account", body={"code": "411X", "name": "X", "type": "asset", "company_id": other}, **here)


REPORTS = (
    "report_trial_balance", "report_general_ledger", "report_journal", "report_account_statement",
    "report_aged_receivables",
)  # fmt: skip
