"""The value of stock in the books: perpetual inventory from the moves of `erp_inventory`."""

from sqlalchemy.orm import Session

from erp_finance import ledger, posting
from shared.contracts import erp_inventory as inventory
from shared.flows.entrypoints import subscribe


class StockAccounting:
    """Stock and cost of goods."""

    @subscribe(inventory.StockMoved)
    def post_stock(self, session: Session, event: inventory.StockMoved) -> None:
        """Post what entered and left our locations, at cost: one entry per document, whatever comes twice.

        A move of a closed period is posted on the first open day, unless the person who dated it may write into a softly
        locked one; the reference keeps its date.
        """
        lines = posting.stock(event.lines, f"Stock {event.document_number}")
        if not lines or ledger.is_posted(session, "stock", event.document_id):
            return
        on = ledger.first_posting_day(session, event.company_id, event.moved_on, event.passes_soft_locks)
        reference = on.reference(event.document_number, event.moved_on)
        entry = ledger.Entry(event.company_id, "ST", reference, event.currency, lines, "stock", event.document_id)
        ledger.post(session, entry, on)
