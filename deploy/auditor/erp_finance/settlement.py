"""I14, I15: payments settle what they say, and sales knows of each order what the books know."""

from decimal import Decimal

from deploy.auditor.findings import Findings, Rule, World, checks
from deploy.auditor.joins import Row, joined

_INVOICES = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM invoice WHERE number IS NOT NULL",
    broken="""
    WITH settled AS (
        SELECT coalesce(document_id, invoice_id) AS id, sum(amount) AS amount FROM (
            SELECT invoice_id, NULL::uuid AS document_id, amount FROM allocation WHERE state = 'active' UNION ALL
            SELECT NULL, credit_note_id, amount FROM allocation WHERE state = 'active' AND credit_note_id IS NOT NULL) AS part
        GROUP BY 1)
    SELECT i.id AS invoice_id, i.number, i.status, i.gross_total, i.residual, coalesce(s.amount, 0) AS settled,
        i.updated_at AS since
    FROM invoice i LEFT JOIN settled s ON s.id = i.id
    WHERE i.number IS NOT NULL AND (i.residual <> i.gross_total - coalesce(s.amount, 0) OR i.residual < 0
        OR CASE WHEN i.residual = 0 THEN i.status NOT IN ('paid', 'credited')
            WHEN i.residual = i.gross_total THEN i.status <> 'issued' ELSE i.status <> 'partially_paid' END
        OR (i.status = 'credited' AND i.credited_total < i.gross_total))""",
    sentence="{number} ({status}): {gross_total} less {settled} settled leaves not {residual}",
)
_PAYMENTS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM payment",
    broken="""
    WITH settled AS (SELECT payment_id, sum(amount) AS amount FROM allocation WHERE state = 'active' GROUP BY 1)
    SELECT p.id AS payment_id, p.number, p.status, p.amount, p.unallocated, coalesce(s.amount, 0) AS settled,
        p.updated_at AS since
    FROM payment p LEFT JOIN settled s ON s.payment_id = p.id
    WHERE CASE p.status WHEN 'posted' THEN p.amount <> p.unallocated + coalesce(s.amount, 0)
        ELSE p.unallocated <> 0 OR coalesce(s.amount, 0) <> 0 END""",
    sentence="{number} ({status}) over {amount}: {settled} allocated, {unallocated} not",
)
_PARTIES = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM allocation",
    broken="""
    SELECT a.id AS allocation_id, a.invoice_id, a.payment_id, a.credit_note_id, a.amount
    FROM allocation a JOIN invoice i ON i.id = a.invoice_id LEFT JOIN payment p ON p.id = a.payment_id
    LEFT JOIN invoice n ON n.id = a.credit_note_id
    WHERE a.state = 'active' AND (i.kind <> 'invoice' OR i.company_id <> a.company_id
        OR coalesce(p.contact_id, n.customer_id) IS DISTINCT FROM i.customer_id
        OR (n.id IS NOT NULL AND n.corrects_id IS DISTINCT FROM i.id))""",
    sentence="{amount} settle the invoice of another customer or company, or no invoice at all",
)


@checks(I14="payments settle what they say")
def payments_settle_what_they_say(world: World, found: Findings) -> None:
    for rule in (_INVOICES, _PAYMENTS, _PARTIES):
        rule.apply(world, found)


_TOLD = "SELECT invoice_id, order_id, gross_total, residual, told_at FROM order_invoice ORDER BY invoice_id"
# What a credit note settled in part is told with the next payment only.
_OWED = """
    SELECT i.id, i.order_id, i.gross_total, i.residual, i.number, coalesce(a.credited, 0), i.updated_at
    FROM invoice i LEFT JOIN (SELECT invoice_id, sum(amount) AS credited FROM allocation
        WHERE state = 'active' AND credit_note_id IS NOT NULL GROUP BY 1) a ON a.invoice_id = i.id
    WHERE i.kind = 'invoice' AND i.order_id IS NOT NULL AND i.number IS NOT NULL ORDER BY i.id"""
_COUNTED = (
    "SELECT l.id, l.invoiced_quantity, l.credited_quantity, o.number, o.updated_at"
    " FROM order_line l JOIN sales_order o ON o.id = l.order_id WHERE o.placed_at IS NOT NULL ORDER BY l.id"
)
_BILLED = """
    SELECT l.order_line_id, sum(CASE i.kind WHEN 'invoice' THEN l.quantity ELSE 0 END),
        sum(CASE i.kind WHEN 'credit_note' THEN l.quantity ELSE 0 END), max(i.updated_at)
    FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
    WHERE l.order_line_id IS NOT NULL AND i.number IS NOT NULL GROUP BY 1 ORDER BY 1"""
_ORDERS = """
    SELECT id, number, status, invoice_status, payment_status, rest_released, updated_at FROM sales_order
    WHERE placed_at IS NOT NULL ORDER BY id"""
_POSITIONS = """
    SELECT s.id, bool_and(coalesce(b.quantity, 0)
            >= CASE WHEN l.kind = 'service' THEN l.quantity ELSE least(l.quantity, l.delivered_quantity) END),
        bool_and(coalesce(b.quantity, 0) >= l.quantity), bool_or(coalesce(b.quantity, 0) > 0),
        bool_or(coalesce(b.quantity, 0) - coalesce(b.credited, 0) > 0), min(o.open), min(o.paid), max(o.since)
    FROM sales_order s JOIN sales_order_line l ON l.order_id = s.id
    LEFT JOIN (SELECT order_line_id, sum(CASE i.kind WHEN 'invoice' THEN quantity ELSE 0 END) AS quantity,
            sum(CASE i.kind WHEN 'credit_note' THEN quantity ELSE 0 END) AS credited
        FROM invoice_line il JOIN invoice i ON i.id = il.invoice_id WHERE i.number IS NOT NULL GROUP BY 1) b
        ON b.order_line_id = l.id
    LEFT JOIN (SELECT order_id, sum(residual) AS open, sum(gross_total - residual) AS paid, max(updated_at) AS since
        FROM invoice WHERE kind = 'invoice' AND number IS NOT NULL GROUP BY 1) o ON o.order_id = s.id
    GROUP BY 1 ORDER BY 1"""


@checks(I15="sales and the books agree on every order")
def sales_knows_what_the_books_know(world: World, found: Findings) -> None:
    rows = world.databases.rows
    for told, owed in joined(rows("crm_sales", _TOLD), rows("erp_finance", _OWED)):
        found.checked += 1
        _check_invoice(told, owed, found)
    for counted, billed in joined(rows("crm_sales", _COUNTED), rows("erp_finance", _BILLED)):
        found.checked += 1
        _check_line(counted, billed, found)
    for orders, positions in joined(rows("crm_sales", _ORDERS), rows("erp_finance", _POSITIONS)):
        if orders and positions:
            found.checked += 1
            _check_statuses(orders[0], positions[0], found)


def _check_invoice(told: list[Row], owed: list[Row], found: Findings) -> None:
    if not told:
        found.add(f"sales does not know of {owed[0][4]}", owed[0][6], invoice=owed[0][0])
        return
    if not owed:
        found.add("sales knows an invoice that the books do not have", told[0][4], invoice=told[0][0])
        return
    invoice_id, order_id, gross, residual, told_at = told[0]
    _, billed_order, total, left, number, credited, since = owed[0]
    late = credited if left else Decimal(0)
    if (order_id, gross) != (billed_order, total) or not left <= residual <= left + late:
        text = f"sales has {residual} of {gross} open on {number}, the books {left} of {total}"
        found.add(text, max(since, told_at), invoice=invoice_id, order=order_id)


def _check_line(counted: list[Row], billed: list[Row], found: Findings) -> None:
    _, invoiced, credited, since = billed[0] if billed else (None, 0, 0, None)
    if not counted:
        found.add("an invoice bills a line that no placed order has", since, order_line=billed[0][0])
        return
    line_id, told_invoiced, told_credited, number, changed = counted[0]
    if (told_invoiced, told_credited) != (invoiced, credited):
        in_sales, in_books = f"{told_invoiced} invoiced, {told_credited} credited", f"{invoiced} and {credited}"
        text = f"{number}: sales counts {in_sales}, the books {in_books}"
        found.add(text, max(filter(None, (since, changed))), order_line=line_id)


def _check_statuses(order: Row, position: Row, found: Findings) -> None:
    """The statuses of an order follow from its invoices and what is open on them."""
    order_id, number, status, invoice_status, payment_status, rest_released, changed = order
    _, all_delivered, all_ordered, any_billed, any_kept, still_open, paid, since = position
    if status == "cancelled" and not any_kept:
        invoiced, payment = "none", "none"
    else:
        complete = all_delivered if rest_released else all_ordered
        invoiced = "none" if not any_billed else "invoiced" if complete else "partial"
        payment = "paid" if invoiced == "invoiced" and not still_open else "partial" if paid else "none"
    if (invoice_status, payment_status) != (invoiced, payment) and status != "cancelled":
        text = f"{number} reads {invoice_status} and {payment_status}, the books say {invoiced} and {payment}"
        found.add(text, max(filter(None, (since, changed))), order=order_id)
