"""Journal entries, and the proof that nothing posted was touched."""

from shared.kernel.money import ZERO
from shared.schema import Amount, Currency, Day, Group, Id, Instant, Lines, Refers, Resource, State, Text, Verb
from shared.schema.contract import Operation
from shared.wire import fields
from shared.wire.fields import Schema


class EntryLine(Group):
    """One side of a journal entry: exactly one of debit and credit is greater than zero."""

    account = Text(20, "The code of the account.", required=True)
    partner_id = Refers("contacts", "Whom it is owed by or to.", null=True)
    label = Text(200, "What it is for; else the reference of the entry.", optional=True)
    debit = Amount("What the account receives.", not_negative=True, default=ZERO)
    credit = Amount("What the account gives.", not_negative=True, default=ZERO)
    due_on = Day("When it is due.", null=True)
    tax_code = Text(20, "The tax code that it comes from.", null=True)


class Reversal(Group):
    """When it is undone."""

    date = Day("Never before that of the original; left out: today, or the original's if later.", optional=True)


class JournalEntry(
    Resource,
    path="/v1/journal-entries",
    permission="finance.entries",
    label="number",
    operations=("create", "get", "list"),
    columns=("number", "journal", "date", "reference", "status"),
    summaries={"create": "Draft a journal entry"},
):
    """A journal entry: a draft until it is posted, then never changed."""

    company_id = Refers("companies", "In whose books it stands.", create_only=True, optional=True)
    number = Text(
        35, "Given when it is posted.", computed=True, null=True, filter=True, sort=True, search=True, index=True
    )
    journal = Text(10, "The code of the journal.", least=1, default="OD", filter=True)
    date = Day("The accounting day.", required=True, filter=True, sort=True, index=True)
    reference = Text(200, "What it refers to.", default="", filter=True, search=True, index=True)
    currency = Currency("That of the books.", computed=True)
    status = State(
        draft="Draft",
        posted="Posted",
        reversed="Reversed",
        start="draft",
        tones={"posted": "success", "reversed": "warning"},
    )
    source_type = Text(50, "What posted it.", computed=True, null=True, filter=True)
    source_id = Id("The document that posted it.", computed=True, null=True, filter=True)
    reverses_id = Id("The entry whose mirror image it is.", computed=True, null=True)
    reversed_by_id = Id("The entry that is its mirror image.", computed=True, null=True)
    posted_at = Instant("When it was posted.", computed=True, null=True)
    hash = Text(64, "Chains it to the entry posted before it in its journal.", computed=True, null=True)
    lines = Lines(EntryLine, "Its sides; they balance.", least=2, required=True)

    post = Verb("Post the entry for good", of=("draft",), permission="finance.entries:post", idempotency="required")
    reverse = Verb(
        "Reverse the entry: its mirror image is posted",
        of=("posted",),
        request=Reversal,
        permission="finance.entries:post",
        idempotency="required",
        status=201,
    )


class FirstBadEntry(Schema):
    """The first entry at which a chain does not hold, and why."""

    entry_id = fields.Uuid(allow_none=True)
    number = fields.Text(allow_none=True)
    seq = fields.Whole()
    reason = fields.Choice("gap", "broken_link", "content_changed", "unbalanced", "cut_tail", "anchor_mismatch")


class JournalVerification(Schema):
    """The result for the hash chain of one journal."""

    company_id = fields.Uuid()
    journal = fields.Text()
    entries = fields.Whole()
    head_hash = fields.Text(allow_none=True)
    verified = fields.Flag()
    first_bad = fields.Part(FirstBadEntry, allow_none=True)


class LedgerVerification(Schema):
    """The hash chains of all journals, recomputed from the stored entries."""

    verified = fields.Flag()
    checked_at = fields.Instant()
    journals = fields.Many(fields.Part(JournalVerification))


verify_ledger = Operation(
    "GET /v1/ledger/verification", "Recompute the hash chains of the ledger", "finance.entries:read",
    response=LedgerVerification,
)  # fmt: skip
