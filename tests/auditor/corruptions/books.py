"""What may happen to the ledger and to legal numbers."""

from tests.auditor.corruptions.corruption import BOOKS, NEW_ID, corrupt, first, one

MANUAL = "source_type IS NULL AND state = 'posted' AND reverses_id IS NULL"

BOOKKEEPING = [
    corrupt(
        "a posted amount is edited",
        "I29 I31",
        BOOKS,
        "UPDATE journal_line SET debit = debit + 0.01 WHERE debit > 0 AND "
        + one("journal_entry", MANUAL, column="entry_id"),
    ),
    corrupt(
        "a posted line disappears",
        "I29 I31",
        BOOKS,
        "DELETE FROM journal_line WHERE debit > 0 AND " + one("journal_entry", MANUAL, column="entry_id"),
    ),
    corrupt(
        "a maintained balance is wrong", "I29", BOOKS, first("account_balance", "debit = debit + 1", key="account")
    ),
    corrupt("an invoice lost its entry", "I30", BOOKS, first("invoice", "entry_id = NULL", "entry_id IS NOT NULL")),
    corrupt(
        "a payment is posted for another amount",
        "I18 I30 I32",
        BOOKS,
        first("payment", "amount = amount + 1, unallocated = unallocated + 1", "status = 'posted' AND unallocated > 0"),
    ),
    corrupt(
        "an entry is for a fact that does not exist",
        "I30 I31",
        BOOKS,
        first("journal_entry", f"source_id = {NEW_ID}", "source_type = 'payment'"),
    ),
    corrupt(
        "stock is posted with another value than it moved",
        "I29 I30 I31 I32",
        BOOKS,
        "UPDATE journal_line SET debit = debit + 1 WHERE debit > 0 AND account = '6037' AND "
        + one(
            "journal_entry",
            "source_type = 'stock' AND id IN (SELECT entry_id FROM journal_line WHERE account = '37' AND credit > 0)",
            column="entry_id",
        ),
        "UPDATE journal_line SET credit = credit + 1 WHERE credit > 0 AND account = '37' AND "
        + one(
            "journal_entry",
            "source_type = 'stock' AND id IN (SELECT entry_id FROM journal_line WHERE account = '37' AND credit > 0)",
            column="entry_id",
        ),
    ),
    corrupt(
        "an entry reverses another one than it says",
        "I30 I31",
        BOOKS,
        "UPDATE journal_entry SET reverses_id = (SELECT id FROM journal_entry WHERE source_type = 'stock' LIMIT 1)"
        " WHERE source_type = 'payment_reversal'",
    ),
    corrupt("a label is edited", "I31", BOOKS, first("journal_line", "label = label || ' '", key="entry_id")),
    corrupt(
        "the hour of a posting is edited",
        "I31",
        BOOKS,
        first("journal_entry", "posted_at = posted_at - interval '1 microsecond'", "state = 'posted'"),
    ),
    corrupt(
        "the link between two entries is edited",
        "I31",
        BOOKS,
        first("journal_entry", "prev_hash = repeat('a', 64)", "seq = 2"),
    ),
    corrupt(
        "the head says something else",
        "I31",
        BOOKS,
        first("ledger_head", "seq = seq + 1", "journal = 'VT'", key="journal"),
    ),
    corrupt(
        "a number is given twice",
        "I31",
        BOOKS,
        "DROP INDEX uq_journal_entry_number",
        first(
            "journal_entry",
            "number = (SELECT number FROM journal_entry WHERE journal = 'VT' AND seq = 2)",
            "journal = 'VT' AND seq = 1",
        ),
    ),
    corrupt(
        "the tail is cut off, and everything made to fit",
        "I31",
        BOOKS,
        "DELETE FROM journal_line WHERE entry_id IN"
        " (SELECT id FROM journal_entry WHERE journal = 'OD' AND reverses_id IS NOT NULL)",
        "DELETE FROM journal_entry WHERE journal = 'OD' AND reverses_id IS NOT NULL",
        "UPDATE ledger_head h SET seq = e.seq, hash = e.hash, numbers = jsonb_build_object(e.fiscal_year, e.seq)"
        " FROM (SELECT * FROM journal_entry WHERE journal = 'OD' ORDER BY seq DESC NULLS LAST LIMIT 1) e WHERE h.journal = 'OD'",
        "DELETE FROM account_balance WHERE journal = 'OD'",
        "INSERT INTO account_balance SELECT l.company_id, e.period_id, account, e.journal, sum(debit), sum(credit)"
        " FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id WHERE journal = 'OD' GROUP BY 1, 2, 3, 4",
    ),
    corrupt(
        "a period is locked backwards",
        "I32",
        BOOKS,
        "UPDATE period SET status = 'locked', locked_at = now() - interval '1 day'"
        " WHERE current_date BETWEEN starts_on AND ends_on",
    ),
    corrupt(
        "an entry is moved into another period",
        "I29 I32",
        BOOKS,
        "UPDATE journal_entry SET period_id = (SELECT id FROM period WHERE status = 'locked' ORDER BY code LIMIT 1) WHERE "
        + one("journal_entry", MANUAL),
    ),
    corrupt(
        "a receivable is booked on another customer",
        "I31 I32",
        BOOKS,
        "UPDATE journal_line SET partner_id = gen_random_uuid() WHERE account = '411' AND "
        + one("journal_entry", "source_type = 'payment' AND state = 'posted'", column="entry_id"),
    ),
    corrupt(
        "an invoice number is skipped",
        "I33",
        BOOKS,
        first(
            "invoice", "number = 'FA-' || extract(year FROM issued_on) || '-00099'", "number LIKE 'FA-%'", "number DESC"
        ),
    ),
    corrupt(
        "an invoice is dated back",
        "I33",
        BOOKS,
        first("invoice", "issued_on = issued_on - 1", "number LIKE 'FA-%'", "number DESC"),
    ),
    corrupt(
        "an invoice bears a number of its own making",
        "I33",
        BOOKS,
        first("invoice", "number = 'FA-SPECIAL'", "number LIKE 'FA-%'", "number DESC"),
    ),
    corrupt(
        "a series counts on without a document", "I33", BOOKS, first("legal_series", "last = last + 1", key="series")
    ),
]
