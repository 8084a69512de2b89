"""I18: what a customer owes and has on order is counted right, and nobody exceeds a limit without approval."""

from deploy.auditor.findings import Findings, Rule, World, checks

_OPEN_ORDERS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM sales_order",
    broken="""
    WITH billed AS (
        SELECT order_id, bool_and(billed_quantity >= quantity) AS complete FROM sales_order_line GROUP BY 1),
    invoiced AS (SELECT order_id, sum(gross_total) AS gross FROM invoice
        WHERE kind = 'invoice' AND number IS NOT NULL AND order_id IS NOT NULL GROUP BY 1),
    due AS (
        SELECT o.*, coalesce(i.gross, 0) AS gross,
            CASE WHEN o.status = 'open' AND o.credit IN ('approved', 'released') AND NOT coalesce(b.complete, true)
                THEN greatest(0, o.gross_total - coalesce(i.gross, 0)) ELSE 0 END AS due
        FROM sales_order o LEFT JOIN billed b ON b.order_id = o.id LEFT JOIN invoiced i ON i.order_id = o.id)
    SELECT id AS order_id, number, open_amount, due, invoiced_gross, gross, updated_at AS since FROM due
    WHERE open_amount <> due OR invoiced_gross <> gross""",
    sentence="{number} counts {open_amount} as open and {invoiced_gross} as invoiced, it should be {due} and {gross}",
)
_ACCOUNTS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM customer_account",
    broken="""
    WITH parts AS (
        SELECT company_id, customer_id AS contact_id, open_amount AS open_orders, 0 AS receivable, 0 AS unallocated
        FROM sales_order WHERE customer_id IS NOT NULL UNION ALL
        SELECT company_id, customer_id, 0, CASE kind WHEN 'invoice' THEN residual ELSE 0 END,
            CASE kind WHEN 'credit_note' THEN residual ELSE 0 END FROM invoice WHERE number IS NOT NULL UNION ALL
        SELECT company_id, contact_id, 0, 0, CASE direction WHEN 'in' THEN unallocated ELSE -unallocated END
        FROM payment WHERE status = 'posted'),
    summed AS (SELECT company_id, contact_id, sum(open_orders) AS open_orders, sum(receivable) AS receivable,
        sum(unallocated) AS unallocated FROM parts GROUP BY 1, 2)
    SELECT company_id, contact_id, coalesce(a.open_orders, 0) + coalesce(a.receivable, 0) - coalesce(a.unallocated, 0)
            AS stored, coalesce(s.open_orders, 0) AS open_orders, coalesce(s.receivable, 0) AS receivable,
        coalesce(s.unallocated, 0) AS unallocated
    FROM customer_account a FULL JOIN summed s USING (company_id, contact_id)
    WHERE (coalesce(a.open_orders, 0), coalesce(a.receivable, 0), coalesce(a.unallocated, 0))
        <> (coalesce(s.open_orders, 0), coalesce(s.receivable, 0), coalesce(s.unallocated, 0))""",
    sentence="exposure {stored} is stored; {open_orders} on order + {receivable} owed - {unallocated} unallocated is right",
)
_DECISIONS = Rule(
    "erp_finance",
    counted="SELECT count(*) FROM sales_order WHERE credit_limit IS NOT NULL",
    broken="""
    SELECT o.id AS order_id, o.number, o.credit, o.credit_exposure, o.credit_limit, o.updated_at AS since
    FROM sales_order o LEFT JOIN credit_approval a ON a.order_id = o.id
    WHERE (o.credit = 'approved' AND o.credit_exposure > o.credit_limit)
        OR (o.credit = 'released') <> (a.order_id IS NOT NULL) OR (a.customer_id IS DISTINCT FROM o.customer_id
            AND a.order_id IS NOT NULL)""",
    sentence="{number} is {credit} with an exposure of {credit_exposure} over a limit of {credit_limit}, without approval",
)
_PLACED = (
    "SELECT id, number, placed_by, status, credit_status, updated_at FROM sales_order"
    " WHERE placed_at IS NOT NULL AND (status IN ('confirmed', 'completed') OR credit_status = 'overridden')"
)
_DECIDED = (
    "SELECT o.id, o.credit, a.approved_by FROM sales_order o LEFT JOIN credit_approval a ON a.order_id = o.id"
    " WHERE o.credit <> 'approved'"
)


@checks(I18="exposure is right, limits are kept or approved by another person")
def nobody_exceeds_a_limit_alone(world: World, found: Findings) -> None:
    for rule in (_OPEN_ORDERS, _ACCOUNTS, _DECISIONS):
        rule.apply(world, found)
    decided = {row[0]: row[1:] for row in world.databases.rows("erp_finance", _DECIDED)}
    for order_id, number, placed_by, status, credit_status, since in world.databases.rows("crm_sales", _PLACED):
        found.checked += 1
        credit, approver = decided.get(order_id, ("approved", None))
        if credit == "held" or (credit_status == "overridden" and not approver):
            found.add(f"{number} is {status} although credit is held", since, order=order_id)
        elif approver == placed_by is not None:
            found.add(f"{number} was placed and approved by the same person ({approver})", since, order=order_id)
