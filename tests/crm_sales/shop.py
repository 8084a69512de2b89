"""A lamp shop on the harness: its customer, its goods, and the answers that the other services would give."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from shared.contracts import crm_contacts as contacts
from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from tests.days import present_day
from tests.harness import Harness

D = Decimal
LUMEN, LAMP, BOOK, ADVICE, UNPRICED = (new_id() for _ in range(5))
CLERK = ("contacts.contacts:read", "sales.orders:write", "sales.quotes:write")


@dataclass
class Shop:
    """What a test says in the words of the trade."""

    sales: Harness

    def open(self) -> "Shop":
        """One customer and four products are known."""
        self.sales.deliver(contact(status="active"))
        for product_id, name, kind, price, tax in (
            (LAMP, "Desk lamp", "goods", D("49.90"), "S20"),
            (BOOK, "The history of light", "goods", D("19.99"), "S5.5"),
            (ADVICE, "Lighting advice", "service", D("80"), "S20"),
            (UNPRICED, "Chandelier", "goods", None, "S20"),
        ):
            self.sales.deliver(product(product_id, name=name, kind=kind, sale_price=price, tax_code=tax))
        self.sales.published()
        return self

    def draft(self, *lines: tuple[UUID, int], **given: Any) -> dict[str, Any]:
        """A draft of (product, quantity) lines."""
        rows = [{"product_id": str(p), "quantity": str(q)} for p, q in lines or [(LAMP, 2)]]
        body = {"customer_id": str(LUMEN), "lines": rows, **given}
        order: dict[str, Any] = self.sales.call("create_order", body=body, permissions=CLERK)
        return order

    def place(self, *lines: tuple[UUID, int], **given: Any) -> dict[str, Any]:
        """A placed order; the question to the others is taken off the list of published events."""
        order = self.draft(*lines, **given)
        placed: dict[str, Any] = self.sales.call("place_order", id=order["id"], key=f"place-{order['id']}", actor="ada")
        self.sales.published()
        return placed

    def confirm(self, *lines: tuple[UUID, int], **given: Any) -> dict[str, Any]:
        """An order with both answers."""
        order = self.place(*lines, **given)
        self.hear(self.approved(order), self.reserved(order))
        self.sales.published()
        return self.read(order)

    def read(self, order: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.sales.call("get_order", id=order["id"])
        return found

    def steps(self, order: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
        """{step: (status, reason)}."""
        progress = self.sales.call("progress_of_orders", id=order["id"])
        return {step["name"]: (step["status"], step["reason"]) for step in progress["steps"]}

    def hear(self, *events: Any) -> None:
        for event in events:
            assert self.sales.deliver(event) == "done"

    def told(self) -> list[str]:
        """The types of the events published since last asked, without the service's name."""
        return [type(event).__name__ for event in self.sales.published()]

    # -- what the others say -----------------------------------------------------------------------------------------

    def approved(self, order: dict[str, Any]) -> finance.CreditApproved:
        return finance.CreditApproved(**_whose(order), exposure=D(100), limit=None, currency="EUR")

    def held(self, order: dict[str, Any]) -> finance.CreditHeld:
        return finance.CreditHeld(**_whose(order), exposure=D(100), limit=D(50), currency="EUR")

    def credit_released(self, order: dict[str, Any]) -> finance.CreditReleased:
        return finance.CreditReleased(**_whose(order))

    def reserved(self, order: dict[str, Any], complete: bool = True) -> inventory.StockReserved:
        return inventory.StockReserved(
            order_id=UUID(order["id"]), delivery_id=new_id(), delivery_number="DE-1", complete=complete, lines=[]
        )

    def stock_released(self, order: dict[str, Any], shipped: bool = False) -> inventory.StockReleased:
        return inventory.StockReleased(order_id=UUID(order["id"]), shipped=shipped)

    def shipped(self, order: dict[str, Any], *quantities: int) -> inventory.DeliveryShipped:
        lines = [
            inventory.ShippedLine(order_line_id=line_id, product_id=product_id, quantity=quantity)
            for line_id, product_id, quantity, _ in _parts(order, quantities)
        ]
        return inventory.DeliveryShipped(
            delivery_id=new_id(),
            number="DE-1",
            company_id=DEFAULT_COMPANY_ID,
            shipped_on=present_day(),
            lines=lines,
            **_whose(order),
        )

    def invoiced(self, order: dict[str, Any], *quantities: int) -> finance.InvoiceIssued:
        parts = _parts(order, quantities)
        net = sum((part[3] for part in parts), D(0))
        lines = [finance.InvoicedLine(order_line_id=p[0], quantity=p[2], net=p[3]) for p in parts]
        return finance.InvoiceIssued(
            invoice_id=new_id(),
            number="FA-1",
            delivery_id=None,
            due_on=present_day(),
            lines=lines,
            **_legal(net),
            **_whose(order),
        )

    def credited(self, order: dict[str, Any], invoice: finance.InvoiceIssued) -> finance.CreditNoteIssued:
        lines = [
            finance.InvoicedLine(order_line_id=line.order_line_id, quantity=-line.quantity, net=-line.net)
            for line in invoice.lines
        ]
        return finance.CreditNoteIssued(
            credit_note_id=new_id(), number="AV-1", corrects_id=invoice.invoice_id, lines=lines,
            **_legal(invoice.net_total), **_whose(order),
        )  # fmt: skip

    def paid(self, invoice: finance.InvoiceIssued) -> finance.InvoicePaid:
        return finance.InvoicePaid(paid_on=present_day(), **_of(invoice))

    def reopened(self, invoice: finance.InvoiceIssued, residual: D) -> finance.InvoiceReopened:
        return finance.InvoiceReopened(residual=residual, **_of(invoice))

    def received(self, *settled: tuple[finance.InvoiceIssued, D]) -> finance.PaymentReceived:
        parts = [
            finance.PaidInvoice(
                invoice_id=i.invoice_id, order_id=i.order_id, amount=i.gross_total - left, residual=left
            )
            for i, left in settled
        ]
        return finance.PaymentReceived(
            payment_id=new_id(), number="PA-1", company_id=DEFAULT_COMPANY_ID, customer_id=LUMEN, currency="EUR",
            amount=sum((part.amount for part in parts), D(0)), paid_on=present_day(), unallocated=D(0), allocations=parts,
        )  # fmt: skip


def contact(**given: Any) -> contacts.ContactUpdated:
    """The customer as crm_contacts tells of him."""
    values = {
        "contact_id": LUMEN, "kind": "organization", "name": "Lumen SARL", "status": "active", "roles": ["customer"],
        "language": "fr", "email": None, "siren": None, "vat_number": None, "country": "FR",
    }  # fmt: skip
    return contacts.ContactUpdated(**{**values, **given})


def product(product_id: UUID, **given: Any) -> inventory.ProductUpdated:
    """A product as erp_inventory tells of it."""
    values = {
        "product_id": product_id, "sku": str(product_id)[-6:], "name": "Lamp", "kind": "goods", "unit": "piece",
        "sale_price": D(10), "tax_code": "S20", "active": True,
    }  # fmt: skip
    return inventory.ProductUpdated(**{**values, **given})


def _whose(order: dict[str, Any]) -> dict[str, Any]:
    return {"order_id": UUID(order["id"]), "customer_id": LUMEN}


def _of(invoice: finance.InvoiceIssued) -> dict[str, Any]:
    return {name: getattr(invoice, name) for name in ("invoice_id", "number", "order_id", "customer_id")}


def _legal(net: D) -> dict[str, Any]:
    totals = {"net_total": net, "tax_total": net / 5, "gross_total": net + net / 5}
    return {"company_id": DEFAULT_COMPANY_ID, "issued_on": present_day(), "currency": "EUR", **totals}


def _parts(order: dict[str, Any], quantities: tuple[int, ...]) -> list[tuple[UUID, UUID, D, D]]:
    """(line, product, quantity, net) for the given quantities per line; none given: all of it."""
    wanted = [D(q) for q in quantities] or [D(line["quantity"]) for line in order["lines"]]
    return [
        (UUID(line["id"]), UUID(line["product_id"]), quantity, D(line["net"]) * quantity / D(line["quantity"]))
        for line, quantity in zip(order["lines"], wanted, strict=True)
        if quantity
    ]
