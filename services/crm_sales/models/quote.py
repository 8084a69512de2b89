"""The quote: an offer with prices that bind until a date."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_sales.errors import NotEditable, QuoteExpired
from crm_sales.models.base import Base, PricedColumns, PricedDocument, of_documents, of_lines
from crm_sales.pricing import PricedLine
from shared.commerce.taxes import totals
from shared.contracts import crm_sales as sales
from shared.kernel.ids import new_id
from shared.storage.database import Aggregate, Row


class Quote(Aggregate, PricedDocument, Base, of=sales.Quote):
    """An offer to a customer. A revision makes it a draft again under the same number."""

    __tablename__ = "quote"
    __table_args__ = (
        *of_documents("quote"),
        CheckConstraint("(status = 'accepted') = (order_id IS NOT NULL)", name="order_id"),
        Index("ix_quote_valid_until", "valid_until", postgresql_where=text("status = 'sent'")),
    )

    revision: Mapped[int]
    status: Mapped[str]
    valid_until: Mapped[date | None]
    refusal_reason: Mapped[str | None]
    order_id: Mapped[UUID | None]
    lines: Mapped[list["QuoteLine"]] = relationship(
        order_by="QuoteLine.position", lazy="selectin", cascade="all, delete-orphan", passive_deletes=True
    )

    @classmethod
    def draft(cls, number: str, values: dict[str, Any], lines: Sequence[PricedLine]) -> "Quote":
        """A new draft; `values` are columns by name, customer_name among them."""
        quote = cls(number=number, **{**sales.Quote.declaration.initial(), **values})
        quote.take_lines(lines)
        return quote

    def change(self, values: dict[str, Any], lines: Sequence[PricedLine] | None) -> None:
        """Change a draft. Raises NotEditable."""
        self.check_editable()
        for name, value in values.items():
            setattr(self, name, value)
        if lines is not None:
            self.take_lines(lines)
        self.touch()

    def check_editable(self) -> None:
        """Raises NotEditable unless it is a draft."""
        if self.status != "draft":
            raise NotEditable(number=self.number, state=self.status)

    def take_lines(self, lines: Sequence[PricedLine]) -> None:
        """Set the lines of a draft that has none yet, and the totals."""
        self.lines.extend(QuoteLine.of(line, position) for position, line in enumerate(lines, start=1))
        self.take_totals(totals(lines, self.currency))

    def send(self, today: date) -> sales.QuoteSent:
        """Make the offer. Raises QuoteExpired: its last day is over."""
        self.allow_on("send", today)
        self.status = "sent"
        return sales.QuoteSent.of(self)

    def accept(self, order_id: UUID, today: date) -> sales.QuoteAccepted:
        """The customer said yes in time. Raises QuoteExpired."""
        self.allow_on("accept", today)
        self.status, self.order_id = "accepted", order_id
        return sales.QuoteAccepted.of(self)

    def refuse(self, reason: str) -> sales.QuoteRefused:
        self._move("refuse", "refused")
        self.refusal_reason = reason
        return sales.QuoteRefused.of(self, reason=reason)

    def revise(self) -> sales.QuoteRevised:
        """Open it for changes; what bound the seller until now no longer does."""
        self._move("revise", "draft")
        self.revision += 1
        self.refusal_reason = self.valid_until = None
        return sales.QuoteRevised.of(self)

    def cancel(self) -> sales.QuoteCancelled:
        self._move("cancel", "cancelled")
        return sales.QuoteCancelled.of(self)

    def order_values(self) -> dict[str, Any]:
        """The columns that the order takes over."""
        names = (
            "customer_id",
            "customer_name",
            "company_id",
            "opportunity_id",
            "owner_id",
            "currency",
            "payment_terms",
        )
        own = {name: getattr(self, name) for name in (*names, "reference", "tags")}
        return {"id": new_id(), "quote_id": self.id, **own}

    def order_lines(self) -> list[PricedLine]:
        """The lines of the order: same products, same prices, own ids."""
        names = [name for name in PricedLine.__dataclass_fields__ if name != "id"]
        return [PricedLine(id=new_id(), **{name: getattr(line, name) for name in names}) for line in self.lines]

    def allow_on(self, verb: str, today: date) -> None:
        """Raises QuoteExpired where a verb comes after the last day of the offer."""
        self.allow(verb)
        if self.valid_until and self.valid_until < today:
            raise QuoteExpired(number=self.number, valid_until=self.valid_until)

    def _move(self, verb: str, status: str) -> None:
        self.allow(verb)
        self.status = status


class QuoteLine(PricedColumns, Row, Base, of=sales.QuoteLine):
    """A line of a quote."""

    __tablename__ = "quote_line"
    __table_args__ = (*of_lines("quote_line", "quote_id"),)

    quote_id: Mapped[UUID] = mapped_column(ForeignKey("quote.id", ondelete="CASCADE"))

    @classmethod
    def of(cls, line: PricedLine, position: int) -> "QuoteLine":
        columns = {name: getattr(line, name) for name in PricedLine.__dataclass_fields__}
        return cls(position=position, **columns)
