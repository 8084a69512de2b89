"""Customer invoices and credit notes: one shape, one table, two kinds."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Self
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from erp_finance import invoicing, posting
from erp_finance.models.base import Aggregate, Base, Taxes
from erp_finance.models.orders import Share, as_ordered
from erp_finance.models.organisation import Company
from shared.commerce import terms
from shared.commerce.taxes import Tax, Totals
from shared.contracts import erp_finance as finance
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.money import ZERO
from shared.storage.constraints import bounded, not_negative, one_of, where_given
from shared.storage.database import Row


class InvoiceLine(Row, Base, of=finance.InvoiceLine):
    """A line of an invoice or credit note, never changed. `corrects_line_id`: the invoice line that it credits."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        UniqueConstraint("invoice_id", "position"),
        where_given("ix_invoice_line_corrects", "corrects_line_id"),
        where_given("ix_invoice_line_product_id", "product_id", "invoice_id"),
        where_given("ix_invoice_line_order_line_id", "order_line_id", "invoice_id"),
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id"))
    order_line_id: Mapped[UUID | None]
    corrects_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice_line.id"))
    product_id: Mapped[UUID | None]
    description: Mapped[str]
    kind: Mapped[str]
    quantity: Mapped[Decimal]
    unit: Mapped[str]
    unit_price: Mapped[Decimal]
    discount_percent: Mapped[Decimal]
    net: Mapped[Decimal]
    tax_code: Mapped[str]
    tax_rate: Mapped[Decimal]

    @classmethod
    def of_order(cls, position: int, part: Share) -> Self:
        """The billed part of an order line."""
        line = part.line
        return cls(
            position=position, order_line_id=line.id, quantity=part.quantity, net=part.net, **as_ordered(line),
        )  # fmt: skip

    def credited(self, position: int, quantity: Decimal, net: Decimal) -> "InvoiceLine":
        """The line of a credit note that takes back a quantity of this one."""
        return InvoiceLine(
            position=position, order_line_id=self.order_line_id, corrects_line_id=self.id, quantity=quantity, net=net,
            **as_ordered(self),
        )  # fmt: skip


class BillingDocument(Aggregate, Base):
    """What invoices and credit notes share. Once issued, only status, residual and credited_total still move."""

    __tablename__ = "invoice"
    __table_args__ = (
        one_of("kind", "invoice", "credit_note"),
        CheckConstraint("number ~ '^[A-Za-z0-9+_/-]{1,35}$'", name="number"),
        CheckConstraint("gross_total = net_total + tax_total", name="gross_total"),
        CheckConstraint("residual BETWEEN 0 AND gross_total", name="residual"),
        *not_negative("credited_total"),
        CheckConstraint("(kind = 'credit_note') = (corrects_id IS NOT NULL)", name="corrects_id"),
        CheckConstraint(
            "(status = 'draft') = (number IS NULL) AND (number IS NULL) = (issued_on IS NULL)", name="issued"
        ),
        *bounded("gross_total"),
        Index("uq_invoice_company_id_number", "company_id", "number", unique=True),
        where_given("uq_invoice_delivery_id", "delivery_id", unique=True),
        Index("ix_invoice_customer_id", "customer_id", "created_at", "id"),
        where_given("ix_invoice_order_id", "order_id"),
        where_given("ix_invoice_corrects_id", "corrects_id"),
    )

    kind: Mapped[str]
    company_id: Mapped[UUID] = mapped_column(ForeignKey(Company.id), default=DEFAULT_COMPANY_ID)
    number: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="draft")
    customer_id: Mapped[UUID]
    customer_name: Mapped[str] = mapped_column(default="")
    order_id: Mapped[UUID | None]
    delivery_id: Mapped[UUID | None]
    delivered_on: Mapped[date | None]
    corrects_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice.id"))
    entry_id: Mapped[UUID | None]
    currency: Mapped[str] = mapped_column(default="EUR")
    issued_on: Mapped[date | None]
    due_on: Mapped[date | None]
    payment_days: Mapped[int] = mapped_column(default=30)
    reference: Mapped[str] = mapped_column(default="")
    net_total: Mapped[Decimal]
    tax_total: Mapped[Decimal]
    gross_total: Mapped[Decimal]
    taxes: Mapped[list[Tax]] = mapped_column(Taxes)
    vat_on_debits: Mapped[bool] = mapped_column(default=False)
    residual: Mapped[Decimal] = mapped_column(default=ZERO)
    credited_total: Mapped[Decimal] = mapped_column(default=ZERO)

    lines: Mapped[list[InvoiceLine]] = relationship(lazy="selectin", order_by=InvoiceLine.position)

    __mapper_args__ = {"polymorphic_on": "kind", "version_id_col": Aggregate.version}

    @classmethod
    def filtered(cls) -> Mapping[str, Any]:
        return {"total": cls.gross_total}

    prefix: ClassVar[str] = ""
    word: ClassVar[str] = ""
    source_type: ClassVar[str] = ""

    @property
    def billing_mode(self) -> str:
        return invoicing.billing_mode(line.kind for line in self.lines)

    @property
    def notes(self) -> list[dict[str, str]]:
        return invoicing.notes([line.kind for line in self.lines], self.vat_on_debits)

    @property
    def label(self) -> str:
        """What its journal lines say; it names no person, since posted lines are kept for ever."""
        return f"{self.word} {self.number}"

    def take_totals(self, totals: Totals) -> None:
        """Store the sums of the lines and the taxes by rate."""
        self.net_total, self.tax_total, self.gross_total = totals.net_total, totals.tax_total, totals.gross_total
        self.taxes = totals.taxes

    def number_it(self, ordinal: int, issued_on: date, entry_id: UUID) -> None:
        """Give the legal number and date: from now on the document is open."""
        self.number = invoicing.legal_number(self.prefix, issued_on.year, ordinal)
        self.issued_on, self.entry_id = issued_on, entry_id
        self.due_on = terms.due_on(issued_on, self.payment_days)
        self.status, self.residual = "issued", self.gross_total
        if self.gross_total == 0:
            self.status, self.entry_id = "paid", None

    def settle(self, amount: Decimal) -> None:
        """Take an amount off what is open; negative: open it again."""
        self.residual -= amount
        self.status = self._status()

    def _status(self) -> str:
        if self.residual > 0:
            return "issued" if self.residual == self.gross_total else "partially_paid"
        return "paid"

    def billed_lines(self) -> list[finance.InvoicedLine]:
        """The order lines that it bills, for the event."""
        return [
            finance.InvoicedLine(order_line_id=line.order_line_id, quantity=line.quantity, net=line.net)
            for line in self.lines
            if line.order_line_id is not None
        ]


class Invoice(BillingDocument, of=finance.Invoice):
    """Credited when credit notes took all of it back."""

    __mapper_args__ = {"polymorphic_identity": "invoice"}
    prefix, word, source_type = "FA", "Facture", "invoice"

    @classmethod
    def drafted(cls, lines: Iterable[InvoiceLine], totals: Totals, **fields: Any) -> Self:
        """A draft with its totals."""
        invoice = cls(lines=list(lines), status="draft", residual=ZERO, credited_total=ZERO, **fields)
        invoice.take_totals(totals)
        return invoice

    def postings(self) -> list[posting.Line]:
        """Customers to revenue and VAT collected."""
        return posting.sale(self.lines, self.taxes, self.customer_id, self.due_on, self.label)

    def credit(self, gross: Decimal) -> Decimal:
        """Count a credit note. Returns how much of it settles this invoice; the rest stays the customer's."""
        settles = min(gross, self.residual)
        self.credited_total += gross
        self.settle(settles)
        return settles

    def _status(self) -> str:
        return "credited" if self.residual == 0 and self.credited_total >= self.gross_total else super()._status()

    def created(self) -> finance.InvoiceCreated:
        products = sorted({line.product_id for line in self.lines if line.product_id})
        return finance.InvoiceCreated.of(self, product_ids=products)

    def issued(self) -> finance.InvoiceIssued:
        assert self.due_on is not None
        return finance.InvoiceIssued.of(self, lines=self.billed_lines())

    def paid(self, paid_on: date) -> finance.InvoicePaid:
        return finance.InvoicePaid.of(self, paid_on=paid_on)

    def reopened(self) -> finance.InvoiceReopened:
        return finance.InvoiceReopened.of(self)


class CreditNote(BillingDocument, of=finance.CreditNote):
    """Corrects an invoice; amounts are positive. `residual` is the customer's until it is set off."""

    __mapper_args__ = {"polymorphic_identity": "credit_note"}
    prefix, word, source_type = "AV", "Avoir", "credit_note"

    @classmethod
    def correcting(cls, invoice: Invoice, lines: Iterable[InvoiceLine], totals: Totals, reason: str) -> Self:
        """A draft that takes back lines of an invoice, and their share of its taxes."""
        note = cls(
            lines=list(lines), status="draft", corrects_id=invoice.id, company_id=invoice.company_id,
            customer_id=invoice.customer_id, customer_name=invoice.customer_name, order_id=invoice.order_id,
            currency=invoice.currency, payment_days=0, reference=reason or invoice.number or "",
            residual=ZERO, credited_total=ZERO,
        )  # fmt: skip
        note.take_totals(totals)
        return note

    def postings(self) -> list[posting.Line]:
        """Revenue and VAT collected to customers."""
        return posting.correction(self.lines, self.taxes, self.customer_id, self.label)

    def issued(self) -> finance.CreditNoteIssued:
        assert self.corrects_id is not None
        lines = [
            finance.InvoicedLine(order_line_id=line.order_line_id, quantity=-line.quantity, net=-line.net)
            for line in self.billed_lines()
        ]
        return finance.CreditNoteIssued.of(self, lines=lines)
