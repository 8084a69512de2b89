"""C1: parts add up to their whole, per line and per rate, however the whole is cut and in whichever order."""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.commerce.parts import share
from shared.commerce.taxes import Tax, added, taxes_of
from shared.kernel.money import ZERO

RATES = [D("20"), D("10"), D("5.5"), D("2.1"), D("0")]
CENT = D("0.01")


@dataclass(frozen=True)
class Line:
    net: D
    tax_rate: D
    quantity: D = D(1)
    taken: D = ZERO
    taken_net: D = ZERO

    @property
    def tax_code(self) -> str:
        return f"S{self.tax_rate.normalize():f}"


cents = st.integers(0, 10**9).map(lambda n: D(n) / 100)
lines = st.lists(st.builds(Line, cents, st.sampled_from(RATES), st.integers(1, 9).map(D)), min_size=1, max_size=6)
picks = st.lists(st.lists(st.integers(0, 9), min_size=6, max_size=6), max_size=5)


def parts(whole: list[Line], wanted: list[list[int]], of: list[Tax]) -> list[tuple[list[Line], list[Tax]]]:
    """The whole cut into documents: each picks quantities of its lines, the last one takes what is left."""
    state, taxes, made = list(whole), list[Tax](), []
    for pick in [*wanted, None]:
        document = []
        for n, line in enumerate(state):
            quantity = min(line.quantity - line.taken, line.quantity if pick is None else D(pick[n]))
            if quantity:
                net = share(line.net, line.quantity, line.taken, line.taken_net, quantity)
                document.append(Line(net, line.tax_rate, quantity))
                state[n] = replace(line, taken=line.taken + quantity, taken_net=line.taken_net + net)
        told = taxes_of(document, before=taxes, of=of)
        taxes = added(taxes, told)
        made.append((document, told))
    assert [(line.taken, line.taken_net) for line in state] == [(line.quantity, line.net) for line in whole]
    return made


@given(lines, picks, picks)
def test_any_sequence_of_invoices_is_the_order_and_any_of_credit_notes_the_invoice(
    order: list[Line], shipped: list[list[int]], credited: list[list[int]]
) -> None:
    """Net, tax per rate and gross. Every part is at least zero and within a cent of base × rate."""
    invoices = parts(order, shipped, of=[])
    assert sums(invoices) == {tax.key: tax for tax in taxes_of(order)}
    for document, taxes in invoices:
        near(taxes)
        notes = parts(document, credited, of=taxes)
        assert sums(notes) == {tax.key: tax for tax in taxes}
        for _, taken in notes:
            assert all(tax.base >= 0 and tax.amount >= 0 for tax in taken)


def sums(documents: list[tuple[list[Line], list[Tax]]]) -> dict[tuple[D, str], Tax]:
    total: list[Tax] = []
    for document, taxes in documents:
        assert sum((tax.base for tax in taxes), ZERO) == sum((line.net for line in document), ZERO)
        total = added(total, taxes)
    return {tax.key: tax for tax in total}


def near(taxes: list[Tax]) -> None:
    for tax in taxes:
        assert tax.amount >= 0
        assert abs(tax.amount - (tax.base * tax.rate / 100).quantize(CENT, ROUND_HALF_UP)) <= CENT


@given(cents, st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_shares_of_a_line_add_up_to_it_however_it_is_shipped(net: D, parcels: list[int]) -> None:
    ordered, billed, billed_net = D(sum(parcels)), ZERO, ZERO
    for parcel in parcels:
        part = share(net, ordered, billed, billed_net, D(parcel))
        assert abs(part - net * parcel / ordered) <= CENT
        billed, billed_net = billed + parcel, billed_net + part
    assert billed_net == net


@given(lines)
def test_tax_of_a_whole_document_is_one_rounded_product_per_rate(billed: list[Line]) -> None:
    taxes = taxes_of(billed)
    assert len({tax.rate for tax in taxes}) == len(taxes)
    for tax in taxes:
        assert tax.base == sum((line.net for line in billed if line.tax_rate == tax.rate), ZERO)
        assert tax.amount == (tax.base * tax.rate / 100).quantize(CENT, ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("nets", "rate", "tax"),
    [
        (["0.33"] * 3, "5.5", "0.05"),  # three rounded taxes would be 0.06
        (["1.24", "1.24"], "10", "0.25"),  # Dolibarr's wiki: per line it would be 0.24
        (["0.25"], "10", "0.03"),
        (["-0.25"], "10", "-0.03"),  # half away from zero: a credit mirrors the invoice to the cent
        (["0.13"] * 50, "20", "1.30"),
    ],
)
def test_taxes_with_known_answers(nets: list[str], rate: str, tax: str) -> None:
    (told,) = taxes_of([Line(D(net), D(rate)) for net in nets])
    assert told.amount == D(tax)


def test_a_currency_without_cents_is_cut_into_whole_units() -> None:
    first = share(D("100"), D(3), ZERO, ZERO, D(1), "JPY")
    second = share(D("100"), D(3), D(1), first, D(1), "JPY")
    assert [first, second, share(D("100"), D(3), D(2), first + second, D(1), "JPY")] == [33, 34, 33]
