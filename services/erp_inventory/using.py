"""Flow: a document of another service names products, which from then on stay in the catalogue."""

from sqlalchemy.orm import Session

from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import subscribe
from shared.storage import uses


class Using:
    """Products that documents name are retired, not deleted. What is ordered says so itself (delivering.py)."""

    @subscribe(
        sales.QuoteCreated, sales.QuoteChanged, sales.OrderCreated, sales.OrderChanged, sales.OrderDeleted,
        order="latest",
    )  # fmt: skip
    def note_products_of_draft(
        self, session: Session, events: list[sales.QuoteState | sales.OrderState | sales.OrderDeleted]
    ) -> None:
        """A draft names its products until it is changed or deleted; a quote goes on naming them."""
        for event in events:
            if isinstance(event, sales.QuoteState):
                uses.name(session, "quote", event.quote_id, event.product_ids)
            else:
                products = event.product_ids if isinstance(event, sales.OrderState) else []
                uses.name(session, "order", event.order_id, products)

    @subscribe(finance.InvoiceCreated, order="latest")
    def note_products_of_invoice(self, session: Session, events: list[finance.InvoiceCreated]) -> None:
        for event in events:
            uses.keep(session, "invoice", event.product_ids)
