"""Tax per rate and document (EN 16931, BR-CO-17). Known answers: quotes (QTE) and rounding (RND)."""

from dataclasses import dataclass
from decimal import Decimal
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.commerce.taxes import tax_on, taxes_of, totals
from shared.kernel.money import ZERO

CENTS = st.integers(-(10**12), 10**12).map(lambda n: Decimal(n).scaleb(-2))
RATES = st.sampled_from([D("20"), D("10"), D("5.5"), D("2.1"), D("0")])


@dataclass(frozen=True)
class Line:
    net: D
    tax_rate: D
    tax_code: str = "S"


def document(*lines: tuple[str, str] | tuple[str, str, str]) -> list[Line]:
    return [Line(D(net), D(rate), *code) for net, rate, *code in lines]


_BOOKS = ["19.90", "9.85", "8.29", "14.46", "35.00", "35.00", "10.65", "1.55", "14.37", "8.29", "16.58", "9.95", "3.30"]


@pytest.mark.parametrize(
    ("lines", "taxes", "sums"),
    [
        (document(("100.00", "20")), ["20.00"], ("100.00", "20.00", "120.00")),  # QTE-01
        (document(*[("0.33", "20")] * 3), ["0.20"], ("0.99", "0.20", "1.19")),  # QTE-02: per line 0.21
        (
            document(("94.91", "20"), ("50.00", "5.5"), ("7.77", "20")),  # QTE-04
            ["20.54", "2.75"],
            ("152.68", "23.29", "175.97"),
        ),
        (document(("-1.01", "20"), ("10.00", "20")), ["1.80"], ("8.99", "1.80", "10.79")),  # QTE-10
        (document(("1.24", "10"), ("1.24", "10")), ["0.25"], ("2.48", "0.25", "2.73")),  # FIN-RND-01, Dolibarr's wiki
        (document(*[("0.13", "20")] * 50), ["1.30"], ("6.50", "1.30", "7.80")),  # FIN-RND-08
        (
            # FIN-RND-04, test file ubl-tc434-example1 of EN 16931
            document(*((net, "6") for net in [*_BOOKS, "3.90", "102.12", "-109.98"]),
                     *((net, "21") for net in ("10.80", "7.60", "9.34", "18.63"))),
            ["9.74", "10.99"],
            ("229.60", "20.73", "250.33"),
        ),
        (document(("1500.00", "25"), ("2500.00", "12")), ["375.00", "300.00"], ("4000.00", "675.00", "4675.00")),  # RND-05
        (
            # FIN-RND-07, Factur-X sample F20260023: allowances and charges of the document are lines of their rates
            document(("60.00", "0", "E"), ("28.00", "10"), ("7.00", "20"),
                     ("-5.00", "20"), ("-1.00", "20"), ("-1.00", "20"), ("-2.00", "10"),
                     ("10.00", "20"), ("1.00", "20"), ("2.00", "0", "K"), ("1.00", "10")),
            ["2.20", "2.70", "0.00", "0.00"],
            ("100.00", "4.90", "104.90"),
        ),
    ],
)  # fmt: skip
def test_documents_with_known_answers(lines: list[Line], taxes: list[str], sums: tuple[str, str, str]) -> None:
    found = totals(lines)
    assert [tax.amount for tax in found.taxes] == [D(amount) for amount in taxes]
    assert (found.net_total, found.tax_total, found.gross_total) == tuple(map(D, sums))


@pytest.mark.parametrize(("base", "tax"), [("0.25", "0.03"), ("0.75", "0.08"), ("-0.25", "-0.03"), ("22.50", "2.25")])
def test_tax_is_rounded_half_up_in_both_signs(base: str, tax: str) -> None:
    """FIN-RND-10: a credit note mirrors its invoice to the cent."""
    assert tax_on(D(base), D("10")) == D(tax)


@given(st.lists(st.builds(Line, CENTS.map(abs), RATES), max_size=12))
def test_the_totals_are_the_sums_of_lines_and_taxes_in_any_order(lines: list[Line]) -> None:
    found = totals(lines)
    assert found == totals(lines[::-1])
    assert found.taxes == taxes_of(lines)
    assert found.net_total == sum((line.net for line in lines), ZERO)
    assert found.gross_total == found.net_total + found.tax_total
    assert found.tax_total == sum((tax_on(tax.base, tax.rate) for tax in found.taxes), ZERO)


@given(st.lists(st.builds(Line, CENTS.map(abs), RATES), max_size=12))
def test_what_is_taken_back_wholly_mirrors_the_document(lines: list[Line]) -> None:
    """FIN-RND-10, for any document."""
    mirrored = totals([Line(-line.net, line.tax_rate) for line in lines])
    found = totals(lines)
    assert (mirrored.net_total, mirrored.gross_total) == (-found.net_total, -found.gross_total)


@given(st.lists(CENTS, min_size=1, max_size=20), st.sampled_from(["20", "10", "5.5", "2.1"]))
def test_tax_of_a_document_is_rounded_once(bases: list[Decimal], rate: str) -> None:
    """EN 16931, BR-CO-17: never the sum of the rounded taxes of lines."""
    exact = sum(bases) * Decimal(rate) / 100
    assert abs(tax_on(sum(bases, Decimal(0)), Decimal(rate)) - exact) <= Decimal("0.005")
