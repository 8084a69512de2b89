"""Filters that look into what belongs to a document: `partner_id` into the lines of entries, `invoice_id` into payments."""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, not_, or_, select

from erp_finance.models import Allocation, DraftLine, JournalEntry, JournalLine, Payment
from shared.schema.conditions import Holds


def _names_partner(partners: list[UUID]) -> ColumnElement[bool]:
    """By a posted or a drafted line."""
    posted, drafted = (select(line.entry_id).where(line.partner_id.in_(partners)) for line in (JournalLine, DraftLine))
    return JournalEntry.id.in_(posted.union_all(drafted))


def _settles(invoices: list[UUID]) -> ColumnElement[bool]:
    """Now, or as a draft shall do once it is posted."""
    return Payment.all_allocations.any(and_(Allocation.invoice_id.in_(invoices), Allocation.state != "released"))


OF_PARTNER = Holds(
    "partner_id",
    _names_partner,
    not_(
        or_(
            JournalEntry.posted_lines.any(JournalLine.partner_id.is_not(None)),
            JournalEntry.draft_lines.any(DraftLine.partner_id.is_not(None)),
        )
    ),
)
SETTLES = Holds("invoice_id", _settles, not_(Payment.all_allocations.any(Allocation.state != "released")))
