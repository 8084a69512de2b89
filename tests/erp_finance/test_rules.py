"""The rules of the books without a database: tax, shares, postings, hash chain, fiscal years, ageing."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_finance import chain, chart, fiscal, invoicing, posting
from erp_finance.ageing import bucket
from erp_finance.credit import Exposure, still_open
from shared.commerce.taxes import taxes_of
from shared.kernel.fiscal_years import opening, year_of
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.kernel.money import ZERO

cents = st.integers(0, 10**9).map(lambda n: D(n) / 100)
rates = st.sampled_from([D("20"), D("10"), D("5.5"), D("2.1"), D("0")])


@dataclass
class Line:
    net: D
    tax_rate: D
    kind: str = "goods"

    @property
    def tax_code(self) -> str:
        return f"S{self.tax_rate}"


lines = st.lists(st.builds(Line, cents, rates, st.sampled_from(["goods", "service"])), min_size=1, max_size=12)


@given(lines)
def test_invoices_and_credit_notes_are_balanced_entries(billed: list[Line]) -> None:
    taxes, partner = taxes_of(billed), new_id()
    sale = posting.sale(billed, taxes, partner, None, "x")
    correction = posting.correction(billed, taxes, partner, "x")
    gross = sum((line.net for line in billed), ZERO) + sum((tax.amount for tax in taxes), ZERO)
    if gross:
        assert posting.problem(sale) is None and posting.problem(correction) is None
        assert sale[0].debit == correction[0].credit == gross
        assert sale[0].account == "411" and sale[0].partner_id == partner
    else:
        assert sale == []


@given(cents.filter(bool), st.sampled_from(["transfer", "cash"]), st.sampled_from(["in", "out"]))
def test_payments_are_balanced_entries(amount: D, method: str, direction: str) -> None:
    entry = posting.payment(amount, method, direction, new_id(), "x")
    assert posting.problem(entry) is None
    treasury = entry[0]
    assert treasury.account == ("53" if method == "cash" else "512")
    assert (treasury.debit > 0) == (direction == "in")


@dataclass
class Move:
    from_usage: str
    to_usage: str
    value: D


usages = st.sampled_from(["internal", "transit", "supplier", "customer", "inventory", "production"])


@given(st.lists(st.builds(Move, usages, usages, cents), max_size=8))
def test_stock_moves_change_the_stock_account_by_what_crosses_our_border(moves: list[Move]) -> None:
    entry = posting.stock(moves, "x")
    assert not entry or posting.problem(entry) is None
    change = sum((line.debit - line.credit for line in entry if line.account == "37"), ZERO)
    ours = ("internal", "transit")
    assert change == sum((m.value * ((m.to_usage in ours) - (m.from_usage in ours)) for m in moves), ZERO)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ([posting.Line("512", "x", debit=D(1))], "too_short"),
        ([posting.Line("512", "x", debit=D(1)), posting.Line("101", "x", credit=D("1.01"))], "unbalanced"),
        ([posting.Line("512", "x", debit=D(1)), posting.Line("101", "x")], "not_one_sided"),
        ([posting.Line("512", "x", D(1), D(1)), posting.Line("101", "x", D(1), D(1))], "not_one_sided"),
        ([posting.Line("512", "x", debit=D(-1)), posting.Line("101", "x", credit=D(-1))], "not_one_sided"),
    ],
)
def test_what_is_no_journal_entry(entry: list[posting.Line], code: str) -> None:
    assert posting.problem(entry) == code


# -- the chain -------------------------------------------------------------------------------------------------------


def content(seq: int, amount: D, label: str = "Facture") -> dict[str, Any]:
    line = {"account": "411", "label": label, "partner_id": None, "due_on": date(2026, 3, 1), "tax_code": None}
    return {
        "company_id": DEFAULT_COMPANY_ID, "journal": "VT", "number": f"VT-2026-{seq:06}", "date": date(2026, 1, 31),
        "reference": "FA-2026-00001", "currency": "EUR", "fiscal_year": "2026", "source_type": None,
        "source_id": None, "reverses_id": None, "posted_at": datetime(2026, 1, 31, 12, 0, tzinfo=UTC),
        "lines": [{**line, "debit": amount, "credit": ZERO}, {**line, "account": "707", "debit": ZERO, "credit": amount}],
    }  # fmt: skip


def links(amounts: list[D]) -> list[chain.Link]:
    previous, made = chain.GENESIS, []
    for seq, amount in enumerate(amounts, start=1):
        entry = content(seq, amount)
        digest = chain.entry_hash(previous, {**entry, "seq": seq})
        made.append(chain.Link(f"entry-{seq}", seq, previous, digest, entry))
        previous = digest
    return made


def test_the_hashed_form_is_fixed_for_good() -> None:
    entry = content(1, D("119.9"), label="Café")
    assert (
        chain.canonical({**entry, "seq": 1})
        == (
            '{"company_id":"01900000-0000-7000-8000-000000000001","currency":"EUR","date":"2026-01-31","fiscal_year":"2026",'
            '"journal":"VT","lines":[{"account":"411","credit":"0.00","debit":"119.90","due_on":"2026-03-01","label":"Café",'
            '"partner_id":null,"tax_code":null},{"account":"707","credit":"119.90","debit":"0.00","due_on":"2026-03-01",'
            '"label":"Café","partner_id":null,"tax_code":null}],"number":"VT-2026-000001",'
            '"posted_at":"2026-01-31T12:00:00.000000Z","reference":"FA-2026-00001","reverses_id":null,"seq":1,'
            '"source_id":null,"source_type":null,"v":1}'
        ).encode()
    )
    decomposed = content(1, D("119.90"), label="Cafe\u0301")
    assert chain.canonical({**decomposed, "seq": 1}) == chain.canonical({**entry, "seq": 1})


@given(st.lists(cents.filter(bool), min_size=1, max_size=12))
def test_an_untouched_chain_holds(amounts: list[D]) -> None:
    made = links(amounts)
    assert chain.verify(made, len(made), made[-1].hash, {1: made[0].hash}) == (len(made), None)


@given(st.lists(cents.filter(bool), min_size=2, max_size=12), st.data())
def test_a_changed_amount_names_its_entry(amounts: list[D], data: st.DataObject) -> None:
    made = links(amounts)
    bad = data.draw(st.integers(0, len(made) - 1))
    made[bad] = replace(made[bad], content=content(bad + 1, amounts[bad] + D("0.01")))
    held, fault = chain.verify(made, len(made), made[-1].hash, {})
    assert (held, fault) == (bad, chain.Fault("content_changed", bad + 1, f"entry-{bad + 1}", f"VT-2026-{bad + 1:06}"))


def test_removed_swapped_cut_and_rewritten_entries_are_found() -> None:
    made = links([D(1), D(2), D(3), D(4)])
    head = (4, made[-1].hash)
    assert chain.verify([made[0], *made[2:]], *head, {})[1] == chain.Fault("gap", 2, "entry-3", "VT-2026-000003")
    swapped = [made[0], replace(made[2], seq=2), replace(made[1], seq=3), made[3]]
    assert chain.verify(swapped, *head, {})[1].reason == "broken_link"
    assert chain.verify(made[:3], *head, {})[1] == chain.Fault("cut_tail", 4)
    again = links([D(1), D(9), D(3), D(4)])
    assert chain.verify(again, 4, again[-1].hash, {3: made[2].hash})[1].reason == "anchor_mismatch"
    shorter = links([D(1)])
    assert chain.verify(shorter, 1, shorter[-1].hash, {3: made[2].hash})[1].reason == "cut_tail"


# -- fiscal years, numbers, credit, ageing ---------------------------------------------------------------------------


@given(st.dates(date(2000, 1, 1), date(2090, 12, 31)), st.sampled_from(["01-01", "04-01", "07-01", "10-15"]))
def test_every_day_is_in_one_period_of_its_year(day: date, start: str) -> None:
    year = year_of(day, start)
    assert year.starts_on <= day <= year.ends_on
    months = fiscal.months_of(year)
    assert (months[0].starts_on, months[-1].ends_on) == (year.starts_on, year.ends_on)
    assert sum(month.starts_on <= day <= month.ends_on for month in months) == 1
    assert len({month.ends_on for month in months}) == len(months)


def test_fiscal_years_are_named_after_the_years_they_touch() -> None:
    assert year_of(date(2026, 5, 1), "01-01").code == "2026"
    assert year_of(date(2026, 5, 1), "07-01").code == "2025-26"


@pytest.mark.parametrize(
    ("day", "opens"),
    [("2024-12-31", None), ("2025-01-01", "2025"), ("2027-12-31", "2027"), ("2028-01-01", None),
     ("2026-02-28", None), ("2026-08-01", None)],
)  # fmt: skip
def test_a_near_year_opens_by_itself_unless_it_touches_another(day: str, opens: str | None) -> None:
    """C3: the books of a company may begin in the middle of a year, and nothing is dated before."""
    known = [(date(2026, 3, 1), date(2026, 6, 30))]
    year = opening(date.fromisoformat(day), date(2026, 6, 1), "01-01", known)
    assert (year and year.code) == opens


def test_legal_numbers_use_the_allowed_characters_only() -> None:
    assert invoicing.legal_number("FA", 2026, 7) == "FA-2026-00007"
    for prefix in ("FÂ", "F A", "F" * 30):
        with pytest.raises(ValueError):
            invoicing.legal_number(prefix, 2026, 1)


def test_the_limit_itself_still_passes() -> None:
    exposure = Exposure(D("300"), D("250"), D("50"))
    assert exposure.allows(D("500"), D("1000"))
    assert not exposure.allows(D("500.01"), D("1000"))
    assert exposure.allows(D("1000000"), None)
    assert exposure.headroom(D("1000")) == D("500")


def test_the_open_part_of_an_order_ends_at_zero_whatever_the_rounding() -> None:
    assert still_open(D("10.01"), D("10.02"), complete=False) == 0
    assert still_open(D("10.01"), D("10.00"), complete=True) == 0
    assert still_open(D("10.00"), D("4.00"), complete=False) == D("6.00")


@pytest.mark.parametrize(
    ("due", "expected"),
    [("2026-04-01", "not_due"), ("2026-03-31", "days_1_30"), ("2026-03-02", "days_1_30"), ("2026-03-01", "days_31_60"),
     ("2026-01-31", "days_31_60"), ("2026-01-30", "days_61_90"), ("2026-01-01", "days_61_90"), ("2025-12-31", "over_90")],
)  # fmt: skip
def test_ages(due: str, expected: str) -> None:
    assert bucket(date.fromisoformat(due), date(2026, 4, 1)) == expected


def test_the_chart_has_what_the_postings_need() -> None:
    codes = {account.code for account in chart.accounts()}
    assert {"411", "707", "706", "44571", "512", "53", "37", "6037", "656", "756", "657", "757", "747", "6815"} <= codes
    assert not codes & {"675", "775", "777", "791"}
    assert {tax.code: tax.rate for tax in chart.tax_codes()}["S5.5"] == D("5.5")
    assert chart.is_chart_code("411DUP") and chart.is_chart_code("53001") and not chart.is_chart_code("999")
