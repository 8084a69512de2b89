"""I33: legal numbers of invoices and credit notes (CGI ann. II art. 242 nonies A): unique, chronological, no gap."""

from deploy.auditor.findings import Findings, Rule, World, checks

_READ = """numbered AS (
        SELECT id, company_id, number, kind, issued_on, updated_at, number ~ '^(FA|AV)-[0-9]{4}-[0-9]{5,}$' AS readable
        FROM invoice WHERE number IS NOT NULL),
    series AS (
        SELECT *, split_part(number, '-', 1) AS series, split_part(number, '-', 2)::bigint AS year,
            split_part(number, '-', 3)::bigint AS ordinal
        FROM (SELECT id, company_id, kind, issued_on, updated_at, CASE WHEN readable THEN number END AS number
            FROM numbered) AS kept WHERE number IS NOT NULL)"""

_READABLE = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM invoice WHERE number IS NOT NULL",
    broken=f"""
    WITH {_READ}
    SELECT n.id AS invoice_id, n.number, n.kind, n.issued_on FROM numbered n LEFT JOIN series s ON s.id = n.id
    WHERE s.id IS NULL OR (s.series = 'FA') <> (n.kind = 'invoice') OR s.year <> extract(year FROM n.issued_on)""",
    sentence="{number} is no number for a document of kind {kind} of {issued_on}",
)
_SERIES = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM invoice WHERE number IS NOT NULL",
    broken=f"""
    WITH {_READ}, ordered AS (
        SELECT *, lag(ordinal, 1, 0::bigint) OVER given AS before, lag(issued_on) OVER given AS last_date FROM series
        WINDOW given AS (PARTITION BY company_id, series, year ORDER BY ordinal))
    SELECT id AS invoice_id, number, before, issued_on, last_date, updated_at AS since FROM ordered
    WHERE ordinal <> before + 1 OR issued_on < last_date""",
    sentence="{number} of {issued_on} follows number {before} of {last_date}",
)
_COUNTERS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM legal_series",
    broken=f"""
    WITH {_READ}, given AS (SELECT company_id, series, year, max(ordinal) AS last FROM series GROUP BY 1, 2, 3)
    SELECT company_id, series, year, coalesce(c.last, 0) AS counter, coalesce(g.last, 0) AS last
    FROM legal_series c FULL JOIN given g USING (company_id, series, year) WHERE coalesce(c.last, 0) <> coalesce(g.last, 0)""",
    sentence="series {series}-{year} counts {counter}, its last number is {last}",
)


@checks(I33="legal numbers are unique, chronological, without gap")
def legal_numbers(world: World, found: Findings) -> None:
    for rule in (_READABLE, _SERIES, _COUNTERS):
        rule.apply(world, found)
