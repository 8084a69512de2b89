"""I12, I13: what shipped is billed once, at the agreed prices to the cent; what did not is not billed."""

from deploy.auditor.findings import Findings, Rule, World, checks
from deploy.auditor.joins import Row, joined

_CENTS = "CASE i.currency WHEN 'JPY' THEN 0 ELSE 2 END"

_TOLD = (
    "CROSS JOIN LATERAL jsonb_to_recordset(i.taxes) AS t (tax_code text, rate numeric, base numeric, amount numeric)"
)
_TOTALS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM invoice",
    broken=f"""
    WITH based AS (SELECT invoice_id, tax_code, tax_rate AS rate, sum(net) AS base FROM invoice_line GROUP BY 1, 2, 3),
    told AS (SELECT i.id AS invoice_id, t.* FROM invoice i {_TOLD}),
    summed AS (SELECT invoice_id, sum(b.base) AS net, sum(t.amount) AS tax, bool_and(b.base = t.base) AS fits
        FROM based b FULL JOIN told t USING (invoice_id, tax_code, rate) GROUP BY 1)
    SELECT i.id AS invoice_id, i.number, net_total, tax_total, gross_total, s.net, s.tax, i.updated_at AS since
    FROM invoice i LEFT JOIN summed s ON s.invoice_id = i.id
    WHERE net_total IS DISTINCT FROM s.net OR tax_total IS DISTINCT FROM s.tax OR gross_total <> net_total + tax_total
        OR s.fits IS NOT TRUE""",
    sentence="{number}: {net_total} + {tax_total} = {gross_total}, its lines and taxes say {net} + {tax}",
)
# As for shares below, a part is taxed with the rounded tax up to now less the rounded tax before: of an order by the
# rate, of an invoice that is credited by the tax that it charged.
_TAXES = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM invoice i CROSS JOIN LATERAL jsonb_array_elements(i.taxes)",
    broken=f"""
    WITH taxed AS (
        SELECT i.id AS invoice_id, i.number, t.tax_code, t.base, t.amount, {_CENTS} AS cents, i.updated_at AS since,
            coalesce(w.amount, t.rate) AS whole, coalesce(w.base, 100) AS of, sum(t.base) OVER history AS upto
        FROM invoice i {_TOLD} LEFT JOIN sales_order s ON s.id = i.order_id LEFT JOIN invoice c ON c.id = i.corrects_id
        LEFT JOIN LATERAL jsonb_to_recordset(c.taxes) AS w (tax_code text, rate numeric, base numeric, amount numeric)
            ON (w.tax_code, w.rate) = (t.tax_code, t.rate)
        WHERE i.kind = 'credit_note' OR s.status IS DISTINCT FROM 'cancelled'
        WINDOW history AS (PARTITION BY coalesce(i.corrects_id, i.order_id, i.id), i.kind, t.tax_code, t.rate
            ORDER BY i.issued_on, length(i.number), i.number)),
    due AS (SELECT *, round(whole * upto / nullif(of, 0), cents)
        - round(whole * (upto - base) / nullif(of, 0), cents) AS tax FROM taxed)
    SELECT * FROM due WHERE amount <> coalesce(tax, 0)""",
    sentence="{number} charges {amount} of {tax_code} on {base}, due is {tax}",
)
_TERMS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM invoice_line WHERE order_line_id IS NOT NULL",
    broken="""
    SELECT i.id AS invoice_id, l.id AS invoice_line_id, i.number, i.updated_at AS since
    FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
    LEFT JOIN sales_order_line o ON o.id = l.order_line_id LEFT JOIN sales_order s ON s.id = i.order_id
    WHERE i.order_id IS NOT NULL AND (o.order_id IS DISTINCT FROM i.order_id
        OR (l.product_id, l.kind, l.unit, l.unit_price, l.discount_percent, l.tax_code, l.tax_rate)
            IS DISTINCT FROM (o.product_id, o.kind, o.unit, o.unit_price, o.discount_percent, o.tax_code, o.tax_rate)
        OR (i.currency, i.customer_id, i.company_id) IS DISTINCT FROM (s.currency, s.customer_id, s.company_id))""",
    sentence="{number} bills something else than was agreed, or at another price",
)
# The share of an order line that an invoice bills: the rounded part up to now less the rounded part before. So the
# last one takes the rest, and together they are the line's net. (After a cancellation took parts back, shares begin
# anew from what was left; those orders are judged by I13.)
_SHARES = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id WHERE i.kind = 'invoice'",
    broken=f"""
    WITH billed AS (
        SELECT i.id AS invoice_id, l.id AS invoice_line_id, i.number, l.net, o.net AS agreed, o.quantity AS ordered,
            l.quantity, sum(l.quantity) OVER history AS upto, {_CENTS} AS cents, i.updated_at AS since
        FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id AND i.kind = 'invoice' AND i.number IS NOT NULL
        JOIN sales_order_line o ON o.id = l.order_line_id JOIN sales_order s ON s.id = o.order_id
        WHERE s.status <> 'cancelled'
        WINDOW history AS (PARTITION BY l.order_line_id ORDER BY i.issued_on, length(i.number), i.number))
    SELECT *, round(agreed * upto / ordered, cents) - round(agreed * (upto - quantity) / ordered, cents) AS due
    FROM billed WHERE upto > ordered
        OR net <> round(agreed * upto / ordered, cents) - round(agreed * (upto - quantity) / ordered, cents)
    UNION ALL
    SELECT i.id, l.id, i.number, l.net, NULL, NULL, l.quantity, NULL, NULL, i.updated_at,
        round(l.quantity * l.unit_price * (100 - l.discount_percent) / 100, {_CENTS})
    FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
    WHERE i.kind = 'invoice' AND l.order_line_id IS NULL
        AND l.net <> round(l.quantity * l.unit_price * (100 - l.discount_percent) / 100, {_CENTS})""",
    sentence="{number} bills {quantity} for {net}, due is {due}",
)
_COUNTERS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM sales_order_line",
    broken="""
    WITH billed AS (
        SELECT order_line_id, sum(quantity) AS quantity, sum(net) AS net, max(i.updated_at) AS since
        FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id WHERE i.kind = 'invoice' GROUP BY 1)
    SELECT o.id AS order_line_id, s.number, o.billed_quantity, o.billed_net, coalesce(b.quantity, 0) AS quantity,
        coalesce(b.net, 0) AS net, coalesce(b.since, s.updated_at) AS since
    FROM sales_order_line o JOIN sales_order s ON s.id = o.order_id LEFT JOIN billed b ON b.order_line_id = o.id
    WHERE s.status <> 'cancelled'
        AND (o.billed_quantity, o.billed_net) IS DISTINCT FROM (coalesce(b.quantity, 0), coalesce(b.net, 0))""",
    sentence="{number} counts {billed_quantity} billed for {billed_net}, its invoices say {quantity} for {net}",
)
# What an order counts as billed is what its next part is taxed after.
_COUNTED_TAXES = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM sales_order",
    broken=f"""
    WITH charged AS (SELECT i.order_id, t.tax_code, t.rate, sum(t.base) AS base, sum(t.amount) AS amount
        FROM invoice i {_TOLD} WHERE i.kind = 'invoice' GROUP BY 1, 2, 3),
    counted AS (SELECT i.id AS order_id, t.* FROM sales_order i {_TOLD.replace("i.taxes", "i.billed_taxes")})
    SELECT s.id AS order_id, s.number, tax_code, k.amount AS counted, c.amount AS charged, s.updated_at AS since
    FROM charged c FULL JOIN counted k USING (order_id, tax_code, rate) JOIN sales_order s ON s.id = order_id
    WHERE s.status <> 'cancelled' AND (k.base, k.amount) IS DISTINCT FROM (c.base, c.amount)""",
    sentence="{number} counts {counted} of {tax_code} as charged, its invoices say {charged}",
)

_NUMBERS = "trim_scale(l.quantity), trim_scale(l.unit_price), trim_scale(l.discount_percent), trim_scale(l.net)"
_AGREED = (
    "SELECT l.id, concat_ws('|', o.id, o.number, o.customer_id, o.company_id, o.currency, o.invoicing_policy,"
    " trim_scale(o.net_total), trim_scale(o.tax_total), trim_scale(o.gross_total), l.product_id, l.kind, l.unit,"
    f" l.description, {_NUMBERS}, l.tax_code, trim_scale(l.tax_rate)), o.number, %s AS since"
    " FROM {lines} l JOIN sales_order o ON o.id = l.order_id WHERE {known} ORDER BY l.id"
)
_SOLD = _AGREED.replace("%s", "o.updated_at").format(lines="order_line", known="o.placed_at IS NOT NULL")
_KEPT = _AGREED.replace("%s", "o.created_at").format(lines="sales_order_line", known="true")

_SHIPPED = """
    SELECT d.id, d.number, d.order_id, d.updated_at, l.order_line_id, l.done
    FROM delivery d JOIN delivery_line l ON l.delivery_id = d.id
    WHERE d.status = 'shipped' AND l.done > 0 ORDER BY d.id, l.order_line_id"""
_INVOICED = """
    SELECT i.delivery_id, i.number, i.order_id, i.updated_at, l.order_line_id, l.quantity, i.id
    FROM invoice i LEFT JOIN invoice_line l ON l.invoice_id = i.id AND l.kind <> 'service'
    WHERE i.delivery_id IS NOT NULL ORDER BY i.delivery_id, i.id, l.order_line_id"""
_POLICIES = "SELECT id, invoicing_policy FROM sales_order"


@checks(I12="every shipment has one invoice, at the agreed prices")
def billed_as_agreed(world: World, found: Findings) -> None:
    for rule in (_TOTALS, _TAXES, _TERMS, _SHARES, _COUNTERS, _COUNTED_TAXES):
        rule.apply(world, found)
    _check_copies(world, found)
    _check_shipments(world, found)


def _check_copies(world: World, found: Findings) -> None:
    """Sales and finance hold the same order lines, prices and totals."""
    rows = world.databases.rows
    for sold, kept in joined(rows("crm_sales", _SOLD), rows("erp_finance", _KEPT)):
        found.checked += 1
        if [row[1] for row in sold] != [row[1] for row in kept]:
            line_id, _, number, since = (sold or kept)[0]
            what = "is not in the books" if not kept else "was never placed" if not sold else "is not what was agreed"
            found.add(f"{number}: an order line {what}", since, order_line=line_id)


def _check_shipments(world: World, found: Findings) -> None:
    """One invoice per shipment, with its goods; where the whole order is billed at once, no more than shipped."""
    policies: dict[str, str] = dict(world.databases.rows("erp_finance", _POLICIES))
    rows = world.databases.rows
    for shipped, invoiced in joined(rows("erp_inventory", _SHIPPED), rows("erp_finance", _INVOICED)):
        found.checked += 1
        delivery_id, number, order_id, since, *_ = (shipped or invoiced)[0]
        invoices = {row[6] for row in invoiced}
        wanted = (1,) if policies.get(order_id) == "on_delivery" else (0, 1)
        if not shipped:
            found.add(f"{number} bills a delivery that did not ship", since, delivery=delivery_id)
        elif len(invoices) not in wanted:
            found.add(f"{number} has {len(invoices)} invoices", since, delivery=delivery_id, order=order_id)
        elif invoices and wanted == (1,) and _goods(shipped) != _goods(invoiced):
            found.add(f"{invoiced[0][1]} bills other quantities than {number} shipped", since, delivery=delivery_id)


def _goods(rows: list[Row]) -> list[Row]:
    return [(row[4], row[5]) for row in rows if row[4] is not None]


_CREDITED = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM invoice WHERE kind = 'credit_note' OR credited_total <> 0",
    broken="""
    WITH notes AS (SELECT corrects_id, sum(gross_total) AS gross, max(updated_at) AS since FROM invoice
        WHERE kind = 'credit_note' AND number IS NOT NULL GROUP BY 1)
    SELECT i.id AS invoice_id, i.number, i.credited_total, i.gross_total, coalesce(n.gross, 0) AS credited, n.since
    FROM invoice i LEFT JOIN notes n ON n.corrects_id = i.id
    WHERE i.kind = 'invoice' AND (i.credited_total <> coalesce(n.gross, 0) OR i.credited_total > i.gross_total)""",
    sentence="{number} over {gross_total} counts {credited_total} as credited, its credit notes say {credited}",
)
_TAKEN_BACK = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM invoice_line WHERE corrects_line_id IS NOT NULL",
    broken="""
    WITH taken AS (SELECT l.corrects_line_id, sum(l.quantity) AS quantity, sum(l.net) AS net,
            bool_and(n.corrects_id = b.invoice_id) AS own, max(n.updated_at) AS since
        FROM invoice_line l JOIN invoice n ON n.id = l.invoice_id JOIN invoice_line b ON b.id = l.corrects_line_id
        GROUP BY 1)
    SELECT b.invoice_id, b.id AS invoice_line_id, t.quantity, t.net, b.quantity AS billed, b.net AS billed_net, t.since
    FROM taken t JOIN invoice_line b ON b.id = t.corrects_line_id
    WHERE t.quantity > b.quantity OR t.net > b.net OR NOT own""",
    sentence="{quantity} for {net} were credited of {billed} billed for {billed_net}",
)
_CANCELLED = (
    "SELECT id, number, updated_at FROM sales_order WHERE status = 'cancelled' AND placed_at IS NOT NULL ORDER BY id"
)
_CHARGED = (
    "SELECT order_id, sum(CASE kind WHEN 'invoice' THEN gross_total ELSE -gross_total END), max(updated_at) FROM invoice"
    " WHERE order_id IS NOT NULL AND number IS NOT NULL GROUP BY 1 ORDER BY 1"
)


@checks(I13="cancelled orders cost nothing, credit notes stay within their invoice")
def cancelled_orders_cost_nothing(world: World, found: Findings) -> None:
    """An order that is cancelled has not shipped: what was billed ahead was credited to the cent."""
    _CREDITED.apply(world, found)
    _TAKEN_BACK.apply(world, found)
    cancelled = world.databases.rows("crm_sales", _CANCELLED)
    for orders, charged in joined(cancelled, world.databases.rows("erp_finance", _CHARGED)):
        if not orders:
            continue
        found.checked += 1
        if charged and charged[0][1] != 0:
            order_id, number, since = orders[0]
            text = f"{number} is cancelled and its customer is charged {charged[0][1]}"
            found.add(text, max(since, charged[0][2]), order=order_id)
