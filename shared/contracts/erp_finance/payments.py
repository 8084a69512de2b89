"""Payments and what they settle."""

from shared.contracts.erp_finance.journal_entries import Reversal
from shared.schema import Amount, Choice, Currency, Day, Group, Id, Lines, Many, Refers, Resource, State, Text, Verb

METHODS = {
    "transfer": "Bank transfer",
    "card": "Card",
    "direct_debit": "Direct debit",
    "cheque": "Cheque",
    "cash": "Cash",
}
DIRECTIONS = {"in": "Received", "out": "Paid out"}


class PartOfPayment(Group):
    """The part of a payment that settles one invoice."""

    invoice_id = Refers("invoices", "The invoice.", by_handler=True, required=True)
    amount = Amount("How much of it.", positive=True, required=True)


class Allocations(Group):
    """What is settled."""

    allocations = Lines(PartOfPayment, "The invoices.", least=1, once="invoice_id", required=True)


class Releases(Group):
    """What is settled no longer."""

    invoice_ids = Many(
        Id(), "The invoices that the payment shall settle no longer; left out: all.", least=1, optional=True
    )


class Payment(
    Resource,
    path="/v1/payments",
    permission="finance.payments",
    label="number",
    operations=("create", "get", "list"),
    columns=("number", "contact_id", "date", "amount", "status", "unallocated"),
    summaries={"create": "Draft a payment"},
):
    """Money in, or given back to a customer: a draft until it is posted."""

    company_id = Refers("companies", "Who receives it.", create_only=True, optional=True)
    number = Text(
        20, "Given when it is made.", computed=True, unique=True, filter=True, sort=True, search=True, index=True
    )
    direction = Choice(DIRECTIONS, "Out: money given back to a customer.", default="in", filter=True)
    contact_id = Refers("contacts", "Who pays, or is paid.", by_handler=True, required=True)
    amount = Amount("How much.", positive=True, required=True, filter=True, sort=True)
    currency = Currency(default="EUR")
    method = Choice(METHODS, "How it was paid.", default="transfer")
    date = Day("When the money moved; else today.", optional=True, filter=True, sort=True, index=True)
    reference = Text(200, "What the payer wrote.", default="", search=True, index=True)
    status = State(
        draft="Draft",
        posted="Posted",
        reversed="Reversed",
        start="draft",
        tones={"posted": "success", "reversed": "warning"},
    )
    allocations = Lines(PartOfPayment, "What it settles, or shall settle.", once="invoice_id", default=list)
    unallocated = Amount("What settles no invoice yet.", computed=True, filter=True)
    entry_id = Refers("journal-entries", "Its entry in the ledger.", by_handler=True, computed=True, null=True)

    post = Verb(
        "Post the payment and settle its invoices",
        of=("draft",),
        permission="finance.payments:post",
        idempotency="required",
    )
    reverse = Verb(
        "Reverse the payment: it did not hold",
        of=("posted",),
        request=Reversal,
        permission="finance.payments:post",
        idempotency="required",
    )
    allocate = Verb(
        "Settle invoices from what the payment has left",
        of=("posted",),
        request=Allocations,
        permission="finance.payments:post",
        idempotency="required",
    )
    unallocate = Verb(
        "Take the payment off its invoices",
        of=("posted",),
        request=Releases,
        permission="finance.payments:post",
        idempotency="required",
    )
