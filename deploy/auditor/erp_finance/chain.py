"""I31: the ledger has never been rewritten.

Version 1 of the hashed form, as erp_finance documents it: SHA-256, in lower-case hex, of the previous hash (64 ASCII
digits; 64 zeros for the first entry of a journal) and the canonical JSON (RFC 8785) of an entry: amounts as strings with
two decimals, dates YYYY-MM-DD, `posted_at` in UTC with six decimals and Z, ids in lower case, texts in NFC, absent
values null, lines in their order. Here the database computes it anew, in another language than the program that wrote it.
"""

from deploy.auditor.findings import Findings, Rule, World, checks


def _text(column: str) -> str:
    return f"coalesce(to_json(normalize({column}, NFC))::text, 'null')"


def _plain(column: str) -> str:
    """Ids and dates, whose text needs no escapes."""
    return f"coalesce('\"' || {column} || '\"', 'null')"


_LINE = " || ".join(
    (
        "'{\"account\":' || " + _text("account"),
        '\',"credit":"\' || round(credit, 2)',
        '\'","debit":"\' || round(debit, 2)',
        '\'","due_on":\' || ' + _plain("due_on"),
        "',\"label\":' || " + _text("label"),
        "',\"partner_id\":' || " + _plain("partner_id"),
        "',\"tax_code\":' || " + _text("tax_code") + " || '}'",
    )
)
_ENTRY = " || ".join(
    (
        "'{\"company_id\":' || " + _plain("company_id"),
        "',\"currency\":' || " + _text("currency"),
        "',\"date\":' || " + _plain("date"),
        "',\"fiscal_year\":' || " + _text("fiscal_year"),
        "',\"journal\":' || " + _text("journal"),
        "',\"lines\":[' || coalesce(lines, '')",
        "'],\"number\":' || " + _text("number"),
        '\',"posted_at":"\' || to_char(posted_at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')',
        '\'","reference":\' || ' + _text("reference"),
        "',\"reverses_id\":' || " + _plain("reverses_id"),
        "',\"seq\":' || seq",
        "',\"source_id\":' || " + _plain("source_id"),
        "',\"source_type\":' || " + _text("source_type") + " || ',\"v\":1}'",
    )
)
_ENTRIES = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM journal_entry WHERE state = 'posted'",
    broken=f"""
    WITH line AS (SELECT entry_id, string_agg({_LINE}, ',' ORDER BY position) AS lines FROM journal_line GROUP BY 1),
    link AS (
        SELECT e.*, lag(seq, 1, 0::bigint) OVER chain AS before, lag(hash, 1, repeat('0', 64)) OVER chain AS previous,
            {_ENTRY} AS content
        FROM journal_entry e LEFT JOIN line ON line.entry_id = e.id WHERE state = 'posted'
        WINDOW chain AS (PARTITION BY company_id, journal ORDER BY seq)),
    judged AS (
        SELECT *, CASE WHEN seq <> before + 1 THEN 'entries before it are missing'
            WHEN prev_hash <> previous THEN 'it does not continue the entry before it'
            WHEN hash_version <> 1 THEN 'its hash is of an unknown version'
            WHEN hash <> encode(sha256(convert_to(prev_hash || content, 'UTF8')), 'hex') THEN 'its content was changed'
            END AS fault
        FROM link)
    SELECT id AS entry_id, number, seq, fault FROM judged WHERE fault IS NOT NULL ORDER BY company_id, journal, seq""",
    sentence="{number} (seq {seq}): {fault}",
)
_HEADS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM ledger_head",
    broken="""
    WITH last AS (SELECT DISTINCT ON (company_id, journal) company_id, journal, seq, hash FROM journal_entry
        WHERE state = 'posted' ORDER BY company_id, journal, seq DESC)
    SELECT company_id, journal, coalesce(h.seq, 0) AS head, coalesce(l.seq, 0) AS last
    FROM ledger_head h FULL JOIN last l USING (company_id, journal)
    WHERE coalesce(h.seq, 0) <> coalesce(l.seq, 0) OR coalesce(h.hash, '') <> coalesce(l.hash, repeat('0', 64))""",
    sentence="journal {journal} should end at {head}, it ends at {last}",
)
_ANCHORS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM ledger_anchor",
    broken="""
    SELECT a.company_id, a.journal, a.seq, a.noted_at FROM ledger_anchor a
    LEFT JOIN journal_entry e ON e.company_id = a.company_id AND e.journal = a.journal AND e.seq = a.seq
    WHERE e.hash IS DISTINCT FROM a.hash""",
    sentence="entry {seq} of journal {journal} is not the one that was noted at {noted_at:%Y-%m-%d %H:%M:%S}",
)
_NUMBERS = Rule(
    "erp_finance",
    counted="SELECT count(DISTINCT (company_id, journal, fiscal_year)) FROM journal_entry WHERE state = 'posted'",
    broken="""
    WITH given AS (
        SELECT company_id, journal, fiscal_year, count(*) AS entries, count(DISTINCT number) AS numbers,
            max(substring(number from '[0-9]+$')::bigint) AS last,
            bool_and(starts_with(number, journal || '-' || fiscal_year || '-')) AS named
        FROM journal_entry WHERE state = 'posted' GROUP BY 1, 2, 3)
    SELECT g.company_id, g.journal, g.fiscal_year, entries, last, h.numbers ->> g.fiscal_year AS counter
    FROM given g LEFT JOIN ledger_head h ON h.company_id = g.company_id AND h.journal = g.journal
    WHERE entries <> last OR entries <> g.numbers OR NOT named OR (h.numbers ->> g.fiscal_year)::bigint IS DISTINCT FROM last""",
    sentence="journal {journal} of {fiscal_year}: {entries} entries, numbers up to {last}, counter at {counter}",
)


@checks(I31="the ledger was never rewritten")
def never_rewritten(world: World, found: Findings) -> None:
    for rule in (_ENTRIES, _HEADS, _ANCHORS, _NUMBERS):
        rule.apply(world, found)
