"""The goods of these stories, and the events that other services would send about them."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal as D
from typing import Any
from uuid import UUID

from shared.commerce.lines import line_net
from shared.commerce.taxes import taxes_of
from shared.contracts import crm_contacts as contacts
from shared.contracts import crm_sales as sales
from shared.contracts import erp_inventory as inventory
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from tests.days import present_day
from tests.harness import Harness

RATES = {"S20": D("20"), "S10": D("10"), "S5.5": D("5.5"), "S2.1": D("2.1"), "S0": D("0")}
KEY = "key-{}-0123456789"


def line(
    name: str, quantity: str, price: str, tax: str = "S20", discount: str = "0", kind: str = "goods"
) -> sales.PlacedLine:
    """An order line; its net is computed as crm_sales does."""
    net = line_net(D(quantity), D(price), D(discount))
    return sales.PlacedLine(
        line_id=new_id(), product_id=new_id(), description=name, kind=kind, quantity=D(quantity), unit="unit",
        unit_price=D(price), discount_percent=D(discount), net=net, tax_code=tax, tax_rate=RATES[tax],
    )  # fmt: skip


@dataclass
class Order:
    """An order as its events tell it."""

    lines: list[sales.PlacedLine]
    customer_id: UUID = field(default_factory=new_id)
    policy: str = "on_delivery"
    number: str = "SO-00001"
    payment_days: int = 30
    id: UUID = field(default_factory=new_id)

    @property
    def placed(self) -> sales.OrderPlaced:
        net = sum((part.net for part in self.lines), D(0))
        tax = sum((tax.amount for tax in taxes_of(self.lines)), D(0))
        return sales.OrderPlaced(
            order_id=self.id, number=self.number, company_id=DEFAULT_COMPANY_ID, customer_id=self.customer_id,
            customer_name="Lumières du Nord", currency="EUR", placed_on=present_day(),
            payment_days=self.payment_days, invoicing_policy=self.policy, net_total=net, tax_total=tax,
            gross_total=net + tax, lines=self.lines,
        )  # fmt: skip

    @property
    def confirmed(self) -> sales.OrderConfirmed:
        return sales.OrderConfirmed(
            order_id=self.id, number=self.number, company_id=DEFAULT_COMPANY_ID, customer_id=self.customer_id,
            gross_total=self.placed.gross_total, currency="EUR",
        )  # fmt: skip

    @property
    def cancelled(self) -> sales.OrderCancelled:
        return sales.OrderCancelled(order_id=self.id, number=self.number, reason="changed his mind")

    def released(self, by: str = "claire") -> sales.HoldReleased:
        return sales.HoldReleased(order_id=self.id, number=self.number, approved_by=by)

    def shipped(
        self, *quantities: str, on: date | None = None, passes_soft_locks: bool = False
    ) -> inventory.DeliveryShipped:
        """A shipment of so many of each line; without quantities: all of it."""
        counts = [D(q) for q in quantities] or [part.quantity for part in self.lines]
        parts = [
            inventory.ShippedLine(order_line_id=part.line_id, product_id=part.product_id, quantity=count)
            for part, count in zip(self.lines, counts, strict=False)
            if count and part.kind != "service"
        ]
        return inventory.DeliveryShipped(
            delivery_id=new_id(), number="DEL-1", order_id=self.id, company_id=DEFAULT_COMPANY_ID,
            customer_id=self.customer_id, shipped_on=on or present_day(), lines=parts,
            passes_soft_locks=passes_soft_locks,
        )  # fmt: skip


def moved(
    *moves: tuple[str, str, str],
    on: date | None = None,
    document_id: UUID | None = None,
    passes_soft_locks: bool = False,
) -> inventory.StockMoved:
    """A stock document of moves (from usage, to usage, value)."""
    lines = [
        inventory.MovedLine(move_id=new_id(), product_id=new_id(), quantity=D(1), unit="unit",
                            from_usage=origin, to_usage=target, value=D(value))
        for origin, target, value in moves
    ]  # fmt: skip
    return inventory.StockMoved(
        document_id=document_id or new_id(), document_type="delivery", document_number="DEL-1",
        company_id=DEFAULT_COMPANY_ID, currency="EUR", moved_on=on or present_day(), order_id=None, lines=lines,
        passes_soft_locks=passes_soft_locks,
    )  # fmt: skip


def known_customer(books: Harness, contact_id: UUID | None = None, name: str = "Lumières du Nord") -> UUID:
    """Tell the books of a contact."""
    contact_id = contact_id or new_id()
    event = contacts.ContactCreated(
        contact_id=contact_id, kind="organization", name=name, status="active", roles=["customer"], language="fr",
        email=None, siren=None, vat_number=None, country="FR",
    )  # fmt: skip
    assert books.deliver(event) == "done"
    return contact_id


def pay(
    books: Harness, contact_id: UUID | str, amount: str, *invoices: tuple[str, str], **given: Any
) -> dict[str, Any]:
    """Create and post a payment that settles invoices (id, amount)."""
    parts = [{"invoice_id": invoice_id, "amount": part} for invoice_id, part in invoices]
    body = {"contact_id": str(contact_id), "amount": amount, "allocations": parts, **given}
    payment = books.call("create_payment", body=body)
    posted: dict[str, Any] = books.call("post_payment", id=payment["id"], key=KEY.format(payment["id"][-8:]))
    return posted


def balances(books: Harness, **query: str) -> dict[str, D]:
    """The trial balance as {account: balance}, and proof that it is zero in all."""
    report = books.call("report_trial_balance", query=query)
    assert report["totals"]["debit"] == report["totals"]["credit"]
    assert report["totals"]["balance"] == "0.00"
    return {row["account"]: D(row["balance"]) for row in report["rows"]}


def invoices(books: Harness, **query: str) -> list[dict[str, Any]]:
    """Invoices by number."""
    found: list[dict[str, Any]] = books.call("list_invoices", query={"sort": "number", **query})["data"]
    return found


def verified(books: Harness) -> dict[str, Any]:
    """The verification of the ledger."""
    answer: dict[str, Any] = books.call("verify_ledger")
    return answer
