"""What may happen to invoices, credit notes, payments, and to what sales knows of them."""

from tests.auditor.corruptions.corruption import BOOKS, NEW_ID, SALES, corrupt, first, one

BILLING = [
    corrupt(
        "one cent more on an invoice line",
        "I12",
        BOOKS,
        first("invoice_line", "net = net + 0.01", "order_line_id IS NOT NULL AND corrects_line_id IS NULL"),
    ),
    corrupt(
        "a cent moved from one share to the next",
        "I12",
        BOOKS,
        "WITH shares AS (SELECT l.id, row_number() OVER (PARTITION BY order_line_id ORDER BY i.number) AS n FROM invoice_line l"
        " JOIN invoice i ON i.id = l.invoice_id WHERE order_line_id = (SELECT order_line_id FROM invoice_line GROUP BY 1"
        " HAVING count(*) = 3 AND order_line_id IS NOT NULL ORDER BY 1 LIMIT 1))"
        " UPDATE invoice_line l SET net = net + CASE n WHEN 1 THEN 0.01 ELSE -0.01 END FROM shares s WHERE s.id = l.id AND n < 3",
    ),
    corrupt(
        "one cent more tax",
        "I12 I14 I30",
        BOOKS,
        "UPDATE invoice SET tax_total = tax_total + 0.01, gross_total = gross_total + 0.01 WHERE "
        + one("invoice", "kind = 'invoice' AND number IS NOT NULL AND order_id IS NULL"),
    ),
    corrupt(
        "a cent of tax moved from one part to the next",
        "I12 I14 I15 I30",
        BOOKS,
        "WITH parts AS (SELECT id, row_number() OVER (ORDER BY number) AS n FROM invoice WHERE order_id = (SELECT order_id"
        " FROM invoice WHERE kind = 'invoice' AND order_id IS NOT NULL GROUP BY 1 HAVING count(*) = 3 ORDER BY 1 LIMIT 1))"
        " UPDATE invoice i SET taxes = jsonb_set(taxes, '{0,amount}', to_jsonb(((taxes->0->>'amount')::numeric"
        " + CASE n WHEN 1 THEN 0.01 ELSE -0.01 END)::text)), tax_total = tax_total + CASE n WHEN 1 THEN 0.01 ELSE -0.01 END,"
        " gross_total = gross_total + CASE n WHEN 1 THEN 0.01 ELSE -0.01 END FROM parts p WHERE p.id = i.id AND n < 3",
    ),
    corrupt(
        "a credit note gives back another tax",
        "I12",
        BOOKS,
        first(
            "invoice",
            "taxes = jsonb_set(taxes, '{0,amount}', to_jsonb(((taxes->0->>'amount')::numeric + 0.01)::text))",
            "kind = 'credit_note'",
        ),
    ),
    corrupt(
        "an order's taxes are counted wrong",
        "I12",
        BOOKS,
        first("sales_order", "billed_taxes = '[]'", "fully_billed AND status = 'open'"),
    ),
    corrupt(
        "another price than agreed",
        "I12",
        BOOKS,
        first("invoice_line", "unit_price = unit_price + 1", "order_line_id IS NOT NULL AND corrects_line_id IS NULL"),
    ),
    corrupt(
        "the books remember another price",
        "I12",
        BOOKS,
        first("sales_order_line", "unit_price = unit_price + 1", "billed_quantity = 0"),
    ),
    corrupt(
        "the books lost an order line",
        "I12",
        BOOKS,
        "DELETE FROM sales_order_line WHERE "
        + one(
            "sales_order_line",
            "order_id IN (SELECT order_id FROM sales_order_line"
            " GROUP BY 1 HAVING count(*) = 2 AND max(billed_quantity) = 0)",
        ),
    ),
    corrupt(
        "the books have an order line too many",
        "I12",
        BOOKS,
        f"INSERT INTO sales_order_line SELECT (jsonb_populate_record(l, jsonb_build_object('id', {NEW_ID}))).*"
        " FROM sales_order_line l WHERE billed_quantity = 0 AND order_id IN"
        " (SELECT id FROM sales_order WHERE open_amount > 0) LIMIT 1",
    ),
    corrupt(
        "an invoice bills a line that nobody ordered",
        "I12 I15",
        BOOKS,
        first("invoice_line", f"order_line_id = {NEW_ID}", "order_line_id IS NOT NULL AND corrects_line_id IS NULL"),
    ),
    corrupt(
        "sales changed a frozen line",
        "I12",
        SALES,
        "UPDATE order_line SET discount_percent = 99 WHERE "
        + one("order_line", "order_id IN (SELECT id FROM sales_order WHERE status = 'completed')"),
    ),
    corrupt(
        "a shipment has no invoice", "I12", BOOKS, first("invoice", "delivery_id = NULL", "delivery_id IS NOT NULL")
    ),
    corrupt(
        "an invoice is there twice",
        "I12 I14 I15 I18 I30 I32 I33",
        BOOKS,
        "DROP INDEX uq_invoice_delivery_id, uq_invoice_company_id_number",
        "INSERT INTO invoice"
        " SELECT (jsonb_populate_record(i, jsonb_build_object('id', '0190a000-0000-7000-8000-00000000000a'))).*"
        " FROM invoice i WHERE status = 'partially_paid' AND delivery_id IS NOT NULL ORDER BY number LIMIT 1",
        f"INSERT INTO invoice_line SELECT (jsonb_populate_record(l, jsonb_build_object('id', {NEW_ID},"
        " 'invoice_id', '0190a000-0000-7000-8000-00000000000a'))).* FROM invoice_line l WHERE invoice_id ="
        " (SELECT id FROM invoice WHERE status = 'partially_paid' AND delivery_id IS NOT NULL"
        " AND id <> '0190a000-0000-7000-8000-00000000000a' ORDER BY number LIMIT 1)",
    ),
    corrupt(
        "the credit note of a cancelled order is lost",
        "I13",
        BOOKS,
        first("invoice", "order_id = NULL", "kind = 'credit_note' AND order_id IS NOT NULL"),
    ),
    corrupt(
        "more is credited than was billed",
        "I13",
        BOOKS,
        first("invoice_line", "quantity = quantity + 10", "corrects_line_id IS NOT NULL AND order_line_id IS NULL"),
    ),
    corrupt(
        "an invoice forgot its credit note",
        "I13",
        BOOKS,
        first("invoice", "credited_total = 0", "kind = 'invoice' AND credited_total > 0 AND status <> 'credited'"),
    ),
    corrupt("an allocation grew", "I14", BOOKS, first("allocation", "amount = amount + 1", "state = 'active'")),
    corrupt(
        "an unpaid invoice reads paid",
        "I14",
        BOOKS,
        first("invoice", "status = 'paid'", "residual > 0 AND kind = 'invoice'"),
    ),
    corrupt(
        "a payment kept too much",
        "I14 I18 I32",
        BOOKS,
        first("payment", "unallocated = unallocated + 1", "status = 'posted' AND unallocated < amount - 1"),
    ),
    corrupt(
        "a payment settles the invoice of another",
        "I14",
        BOOKS,
        "UPDATE payment SET contact_id = gen_random_uuid() WHERE " + one("payment", "status = 'reversed'"),
        "UPDATE allocation SET state = 'active', released_on = NULL WHERE " + one("allocation", "state = 'released'"),
    ),
    corrupt(
        "sales believes an invoice is paid",
        "I15",
        SALES,
        first("order_invoice", "residual = 0", "residual > 0", key="invoice_id"),
    ),
    corrupt(
        "sales never heard of an invoice",
        "I15",
        SALES,
        "DELETE FROM order_invoice WHERE " + one("order_invoice", "residual = 0", key="invoice_id"),
    ),
    corrupt(
        "sales knows an invoice that does not exist",
        "I15",
        SALES,
        f"INSERT INTO order_invoice SELECT {NEW_ID}, id, 10, 10, now() FROM sales_order WHERE status = 'completed'",
    ),
    corrupt(
        "sales counts too much as invoiced",
        "I15",
        SALES,
        first("order_line", "invoiced_quantity = invoiced_quantity + 1", "invoiced_quantity > 0"),
    ),
    corrupt(
        "an order reads paid and is not",
        "I15",
        SALES,
        first("sales_order", "payment_status = 'paid'", "payment_status <> 'paid' AND invoice_status = 'invoiced'"),
    ),
]
