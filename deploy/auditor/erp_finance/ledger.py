"""I29, I30, I32: the books balance, every fact is in them once, and nothing was added to a closed period."""

from decimal import Decimal

from deploy.auditor.findings import Findings, Rule, World, checks
from deploy.auditor.joins import joined

_ENTRIES = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM journal_entry WHERE state = 'posted'",
    broken="""
    WITH summed AS (
        SELECT entry_id, count(*) AS lines, sum(debit) AS debit, sum(credit) AS credit,
            bool_and((debit > 0 AND credit = 0) OR (credit > 0 AND debit = 0)) AS one_sided,
            min(date) AS first, max(date) AS last, min(company_id::text) AS company
        FROM journal_line GROUP BY 1)
    SELECT e.id AS entry_id, e.number, e.total, coalesce(s.lines, 0) AS lines, s.debit, s.credit, e.posted_at AS since
    FROM journal_entry e LEFT JOIN summed s ON s.entry_id = e.id
    WHERE e.state = 'posted' AND (s.lines IS DISTINCT FROM e.line_count OR s.lines < 2 OR s.debit <> s.credit
        OR s.debit <> e.total OR NOT s.one_sided OR s.first <> e.date OR s.last <> e.date
        OR s.company <> e.company_id::text)""",
    sentence="{number} over {total}: {lines} lines, debit {debit}, credit {credit}",
)
_TRIAL_BALANCE = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM period",
    broken="""
    SELECT l.company_id, e.period_id, sum(l.debit) AS debit, sum(l.credit) AS credit, max(e.posted_at) AS since
    FROM journal_line l LEFT JOIN journal_entry e ON e.id = l.entry_id AND e.state = 'posted'
    GROUP BY 1, 2 HAVING sum(l.debit) <> sum(l.credit) OR e.period_id IS NULL""",
    sentence="the period does not balance: debit {debit}, credit {credit}",
)
_BALANCES = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM account_balance",
    broken="""
    WITH moved AS (
        SELECT l.company_id, e.period_id, l.account, e.journal, sum(l.debit) AS debit, sum(l.credit) AS credit,
            max(e.posted_at) AS since
        FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id GROUP BY 1, 2, 3, 4)
    SELECT company_id, period_id, account, journal, coalesce(b.debit, 0) AS kept_debit, coalesce(b.credit, 0) AS kept_credit,
        coalesce(m.debit, 0) AS debit, coalesce(m.credit, 0) AS credit, since
    FROM account_balance b FULL JOIN moved m USING (company_id, period_id, account, journal)
    WHERE coalesce(b.debit, 0) <> coalesce(m.debit, 0) OR coalesce(b.credit, 0) <> coalesce(m.credit, 0)""",
    sentence="account {account} in {journal} keeps {kept_debit} / {kept_credit}, its lines say {debit} / {credit}",
)


@checks(I29="every entry and every period balances")
def the_books_balance(world: World, found: Findings) -> None:
    for rule in (_ENTRIES, _TRIAL_BALANCE, _BALANCES):
        rule.apply(world, found)


# Each fact with the entry that it should have: whose it is, its id, the account that carries it, and its amounts.
_FACTS = """facts AS (
        SELECT kind AS source_type, id AS source_id, number, entry_id, 'VT' AS journal, gross_total AS total,
            CASE kind WHEN 'invoice' THEN gross_total ELSE -gross_total END AS partner,
            CASE kind WHEN 'invoice' THEN -tax_total ELSE tax_total END AS tax,
            CASE kind WHEN 'invoice' THEN -net_total ELSE net_total END AS revenue, 0 AS treasury, updated_at AS since
        FROM invoice WHERE number IS NOT NULL AND gross_total > 0
        UNION ALL
        SELECT 'payment', id, number, entry_id, CASE method WHEN 'cash' THEN 'CA' ELSE 'BQ' END, amount,
            CASE direction WHEN 'in' THEN -amount ELSE amount END, 0, 0,
            CASE direction WHEN 'in' THEN amount ELSE -amount END, updated_at
        FROM payment WHERE status IN ('posted', 'reversed')
        UNION ALL
        SELECT 'payment_reversal', id, number, NULL, CASE method WHEN 'cash' THEN 'CA' ELSE 'BQ' END, amount,
            CASE direction WHEN 'in' THEN amount ELSE -amount END, 0, 0,
            CASE direction WHEN 'in' THEN -amount ELSE amount END, updated_at
        FROM payment WHERE status = 'reversed')"""
_POSTED_FACTS = Rule(
    "erp_finance",
    counted=f"WITH {_FACTS} SELECT count(*) FROM facts",
    broken=f"""
    WITH {_FACTS}, posted AS (
        SELECT e.source_type, e.source_id, e.id, e.number AS entry_number, e.journal, e.total, e.posted_at, e.entries,
            sum(l.debit - l.credit) FILTER (WHERE l.account LIKE '411%') AS partner,
            sum(l.debit - l.credit) FILTER (WHERE l.account LIKE '4457%') AS tax,
            sum(l.debit - l.credit) FILTER (WHERE l.account LIKE '70%') AS revenue,
            sum(l.debit - l.credit) FILTER (WHERE l.account LIKE '5%') AS treasury
        FROM (SELECT *, count(*) OVER (PARTITION BY source_type, source_id) AS entries FROM journal_entry
            WHERE state = 'posted' AND source_type IS NOT NULL AND source_type <> 'stock') e
        JOIN journal_line l ON l.entry_id = e.id
        GROUP BY e.source_type, e.source_id, e.id, e.number, e.journal, e.total, e.posted_at, e.entries)
    SELECT source_type, source_id, coalesce(f.number, p.entry_number) AS number, p.id AS entry_id,
        CASE WHEN p.id IS NULL THEN 'is not in the books' WHEN f.source_id IS NULL THEN 'is in the books and nowhere else'
            WHEN p.entries > 1 THEN 'is in the books more than once' ELSE 'is in the books with other amounts' END AS fault,
        coalesce(f.since, p.posted_at) AS since
    FROM facts f FULL JOIN posted p USING (source_type, source_id)
    WHERE p.id IS NULL OR f.source_id IS NULL OR p.entries > 1
        OR (f.entry_id IS DISTINCT FROM p.id AND source_type <> 'payment_reversal')
        OR (f.journal, f.total, f.partner, f.tax, f.revenue, f.treasury) IS DISTINCT FROM (p.journal, p.total,
            coalesce(p.partner, 0), coalesce(p.tax, 0), coalesce(p.revenue, 0), coalesce(p.treasury, 0))""",
    sentence="{source_type} {number} {fault}",
)
_REVERSALS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM journal_entry WHERE reverses_id IS NOT NULL",
    broken="""
    WITH pairs AS (SELECT r.id, r.reverses_id, r.number, r.posted_at FROM journal_entry r
        WHERE r.reverses_id IS NOT NULL AND r.state = 'posted'),
    both_sides AS (
        SELECT p.id, l.account, l.partner_id, l.debit - l.credit AS amount FROM pairs p JOIN journal_line l ON l.entry_id = p.id
        UNION ALL
        SELECT p.id, l.account, l.partner_id, l.debit - l.credit FROM pairs p JOIN journal_line l ON l.entry_id = p.reverses_id),
    left_over AS (SELECT id FROM both_sides GROUP BY id, account, partner_id HAVING sum(amount) <> 0)
    SELECT id AS entry_id, reverses_id, number, posted_at AS since FROM pairs
    WHERE id IN (SELECT id FROM left_over) OR (SELECT count(*) FROM pairs o WHERE o.reverses_id = pairs.reverses_id) > 1""",
    sentence="{number} does not mirror the entry that it reverses, or is not the only one",
)
_MOVED = """
    SELECT document_id, coalesce(sum(value) FILTER (WHERE to_usage IN ('internal', 'transit')
            AND from_usage NOT IN ('internal', 'transit')), 0),
        coalesce(sum(value) FILTER (WHERE from_usage IN ('internal', 'transit')
            AND to_usage NOT IN ('internal', 'transit')), 0), min(document_number), max(created_at)
    FROM stock_move GROUP BY 1 ORDER BY 1"""
_VALUED = """
    SELECT e.source_id, coalesce(sum(l.debit) FILTER (WHERE l.account LIKE '3%'), 0),
        coalesce(sum(l.credit) FILTER (WHERE l.account LIKE '3%'), 0), min(e.number), max(e.posted_at), count(DISTINCT e.id)
    FROM journal_entry e JOIN journal_line l ON l.entry_id = e.id
    WHERE e.source_type = 'stock' AND e.state = 'posted' GROUP BY 1 ORDER BY 1"""


@checks(I30="every fact is posted exactly once")
def every_fact_is_posted_once(world: World, found: Findings) -> None:
    _POSTED_FACTS.apply(world, found)
    _REVERSALS.apply(world, found)
    rows = world.databases.rows
    for moved, valued in joined(rows("erp_inventory", _MOVED), rows("erp_finance", _VALUED)):
        document_id, _, _, number, since, *_ = (moved or valued)[0]
        entered, left = moved[0][1:3] if moved else (Decimal(0), Decimal(0))
        debited, credited, entries = (valued[0][1], valued[0][2], valued[0][5]) if valued else (0, 0, 0)
        found.checked += 1
        if (entered, left) != (debited, credited) or entries > 1:
            text = (
                f"{number}: goods worth {entered} came and {left} went, {entries} entries say {debited} and {credited}"
            )
            found.add(text, since, document=document_id)


_PERIODS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM journal_entry WHERE state = 'posted'",
    broken="""
    SELECT e.id AS entry_id, e.period_id, e.number, e.date, e.posted_at, coalesce(p.code, 'no period') AS period,
        coalesce(p.status, 'missing') AS status, e.posted_at AS since
    FROM journal_entry e LEFT JOIN period p ON p.id = e.period_id
    WHERE e.state = 'posted' AND (p.id IS NULL OR e.date NOT BETWEEN p.starts_on AND p.ends_on
        OR e.company_id <> p.company_id OR e.fiscal_year <> p.fiscal_year
        OR (p.status = 'locked' AND e.posted_at > p.locked_at) OR (p.status = 'locked' AND p.locked_at IS NULL))""",
    sentence="{number} of {date} does not belong into {period} ({status}), posted at {posted_at:%Y-%m-%d %H:%M:%S}",
)
_CUSTOMERS = Rule(
    "erp_finance",
    counted="SELECT count(DISTINCT (company_id, partner_id)) FROM journal_line WHERE account LIKE '411%'",
    broken="""
    WITH booked AS (SELECT company_id, partner_id, sum(debit - credit) AS balance FROM journal_line
        WHERE account LIKE '411%' GROUP BY 1, 2),
    items AS (
        SELECT company_id, customer_id AS partner_id, CASE kind WHEN 'invoice' THEN residual ELSE -residual END AS amount
        FROM invoice WHERE number IS NOT NULL UNION ALL
        SELECT company_id, contact_id, CASE direction WHEN 'in' THEN -unallocated ELSE unallocated END
        FROM payment WHERE status = 'posted'),
    open AS (SELECT company_id, partner_id, sum(amount) AS amount FROM items GROUP BY 1, 2)
    SELECT company_id, partner_id, coalesce(balance, 0) AS balance, coalesce(amount, 0) AS amount
    FROM booked FULL JOIN open USING (company_id, partner_id) WHERE coalesce(balance, 0) <> coalesce(amount, 0)""",
    sentence="account 411 says {balance}, the customer's open items sum to {amount}",
)
_STOCK_ACCOUNTS = "SELECT coalesce(sum(debit - credit), 0) FROM journal_line WHERE account LIKE '3%'"
_STOCK_VALUE = "SELECT coalesce(sum(value), 0) FROM stock_level"
_LAST_MOVE = "SELECT max(created_at) FROM stock_move"


@checks(I32="closed periods stay closed, control accounts equal their details")
def closed_periods_and_control_accounts(world: World, found: Findings) -> None:
    _PERIODS.apply(world, found)
    _CUSTOMERS.apply(world, found)
    found.checked += 1
    booked = world.databases.value("erp_finance", _STOCK_ACCOUNTS)
    stored = world.databases.value("erp_inventory", _STOCK_VALUE)
    if booked != stored:
        since = world.databases.value("erp_inventory", _LAST_MOVE)
        found.add(f"the stock accounts say {booked}, the warehouse holds goods worth {stored}", since)
