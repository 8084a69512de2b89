"""Flow: a document of another service names a contact, which from then on stays."""

from sqlalchemy.orm import Session

from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import subscribe
from shared.storage import uses

Invoiced = finance.InvoiceCreated | finance.InvoiceIssued
Paid = finance.PaymentCreated | finance.PaymentReceived


class Using:
    """Contacts that documents name are archived, not deleted."""

    @subscribe(sales.QuoteSent, sales.OrderPlaced)
    def note_customer_of_sale(self, session: Session, event: sales.QuoteSent | sales.OrderPlaced) -> None:
        uses.keep(session, "order" if isinstance(event, sales.OrderPlaced) else "quote", [event.customer_id])

    @subscribe(
        sales.QuoteCreated, sales.QuoteChanged, sales.OrderCreated, sales.OrderChanged, sales.OrderDeleted,
        order="latest",
    )  # fmt: skip
    def note_customer_of_draft(
        self, session: Session, events: list[sales.QuoteState | sales.OrderState | sales.OrderDeleted]
    ) -> None:
        """A draft names whom it is for until it is changed or deleted."""
        for event in events:
            if isinstance(event, sales.QuoteState):
                uses.name(session, "quote", event.quote_id, [event.customer_id])
            else:
                customers = [event.customer_id] if isinstance(event, sales.OrderState) else []
                uses.name(session, "order", event.order_id, customers)

    @subscribe(
        finance.InvoiceCreated, finance.InvoiceIssued, finance.PaymentCreated, finance.PaymentReceived, order="latest"
    )
    def note_debtor(self, session: Session, events: list[Invoiced | Paid]) -> None:
        uses.keep(session, "invoice", (event.customer_id for event in events if isinstance(event, Invoiced)))
        uses.keep(session, "payment", (event.customer_id for event in events if isinstance(event, Paid)))
