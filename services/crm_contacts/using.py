"""Flow: a document of another service names a contact, which from then on stays."""

from sqlalchemy.orm import Session

from shared import uses
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.entrypoints import subscribe


class Using:
    """Contacts that documents name are archived, not deleted."""

    @subscribe(sales.QuoteSent, sales.OrderPlaced)
    def note_customer_of_sale(self, session: Session, event: sales.QuoteSent | sales.OrderPlaced) -> None:
        """Drafts do not count: they may be deleted themselves, and are not placed for who is gone."""
        uses.keep(session, "order" if isinstance(event, sales.OrderPlaced) else "quote", [event.customer_id])

    @subscribe(finance.InvoiceIssued, finance.PaymentReceived, order="latest")
    def note_debtor(self, session: Session, events: list[finance.InvoiceIssued | finance.PaymentReceived]) -> None:
        uses.keep(session, "invoice", (e.customer_id for e in events if isinstance(e, finance.InvoiceIssued)))
        uses.keep(session, "payment", (e.customer_id for e in events if isinstance(e, finance.PaymentReceived)))
