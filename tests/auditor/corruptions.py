"""What may go wrong with good data, as SQL that no service would ever run, and which invariants must notice.

Mostly one invariant notices a corruption. Where a changed fact really breaks several promises, all are listed.
"""

from dataclasses import dataclass

CONTACTS, SALES, STOCK, BOOKS = "crm_contacts", "crm_sales", "erp_inventory", "erp_finance"


@dataclass(frozen=True)
class Corruption:
    """Statements on one service's database, and the invariants (blank-separated) that must report them."""

    story: str
    noticed_by: str
    service: str
    statements: tuple[str, ...]

    @property
    def expected(self) -> set[str]:
        return set(self.noticed_by.split())


def corrupt(story: str, noticed_by: str, service: str, *statements: str) -> Corruption:
    return Corruption(story, noticed_by, service, statements)


def one(table: str, where: str = "true", order: str = "1", key: str = "id") -> str:
    """A condition that picks the first row of a table that meets another."""
    return f"{key} = (SELECT {key} FROM {table} WHERE {where} ORDER BY {order} LIMIT 1)"


def first(table: str, change: str, where: str = "true", order: str = "1", key: str = "id") -> str:
    """UPDATE of the first row that meets a condition."""
    return f"UPDATE {table} SET {change} WHERE {one(table, where, order, key)}"


def extension(name: str, value: str) -> str:
    """SET clause that gives an envelope another value of an extension."""
    return f'envelope = regexp_replace(envelope, \'"{name}":"[^"]*"\', \'"{name}":"\' || {value} || \'"\')'


UNHEARD = "type LIKE '%order.completed%'"
"""Events that nobody listens to: nobody notices a change of theirs by the hash of what it took."""
MANUAL = "source_type IS NULL AND state = 'posted' AND reverses_id IS NULL"
OPEN_READY = "(SELECT id FROM delivery WHERE status = 'ready')"
FREE_POSITIONS = "ALTER TABLE stock_move ALTER COLUMN position DROP IDENTITY"
NEW_ID = "gen_random_uuid()"


MESSAGES = [
    corrupt("an inbox row is lost", "I1", BOOKS,
            "DELETE FROM inbox WHERE consumer = 'decide_credit' AND " + one("inbox", "consumer = 'decide_credit'", key="event_id")),
    corrupt("a message waits for another attempt", "I1", SALES,
            first("inbox", "state = 'retry'", "consumer = 'note_shipment'", key="event_id") + " AND consumer = 'note_shipment'"),
    corrupt("somebody slips in an event", "I2", SALES,
            f"INSERT INTO inbox SELECT consumer, {NEW_ID}, type, producer, aggregate_id, sequence, sha256, state, attempts,"
            " NULL, NULL, NULL, received_at, processed_at FROM inbox WHERE consumer = 'note_receipt' LIMIT 1"),
    corrupt("an event is said to be another service's", "I2", BOOKS,
            first("inbox", "producer = 'crm_sales'", "consumer = 'post_stock'", key="event_id")),
    corrupt("an event is said to be of another type", "I2", BOOKS,
            first("inbox", "type = 'liaison.erp_inventory.stock.moved.v9'", "consumer = 'post_stock'", key="event_id")),
    corrupt("a published event disappears", "I2 I3", STOCK,
            "DELETE FROM outbox WHERE " + one("outbox", "type LIKE '%product.created%'")),
    corrupt("two events of an aggregate are one", "I3", SALES, first("outbox", "sequence = sequence - 1", UNHEARD)),
    corrupt("a counter runs ahead", "I3", BOOKS, first("aggregate_sequence", "last = last + 1", key="aggregate_id")),
    corrupt("the number in the envelope is another", "I3", SALES, first("outbox", extension("sequence", "'1'"), UNHEARD)),
    corrupt("a copy is behind", "I3", SALES,
            first("consumer_position", "sequence = sequence - 1", "consumer = 'copy_product'", key="aggregate_id")),
    corrupt("a copy was never made", "I3", SALES,
            "DELETE FROM consumer_position WHERE " + one("consumer_position", "consumer = 'copy_customer'", key="aggregate_id")),
    corrupt("an event was not sent", "I4", BOOKS, first("outbox", "state = 'new', published_at = NULL")),
    corrupt("an event found no queue", "I4", SALES, first("outbox", "state = 'unroutable'", UNHEARD)),
    corrupt("a message is parked", "I4", STOCK,
            first("inbox", "state = 'parked', error_code = 'KeyError'", "consumer = 'reserve_order'", key="event_id")
            + " AND consumer = 'reserve_order'"),
    corrupt("bytes that nobody can read are parked", "I4", STOCK,
            "INSERT INTO inbox (consumer, event_id, type, producer, sha256, state, attempts, error_code, envelope, received_at)"
            " VALUES ('reserve_order', '0190a000-0000-8000-8000-000000000001', 'undecodable', 'unknown', sha256('{'), 'parked',"
            " 1, 'undecodable', '{', now())"),
    corrupt("a message was discarded by nobody", "I4", BOOKS,
            first("inbox", "state = 'discarded'", "consumer = 'post_stock'", key="event_id")),
    corrupt("an event was altered on its way", "I5", BOOKS,
            first("inbox", "sha256 = sha256('other bytes')", "consumer = 'keep_customer'", key="event_id")),
    corrupt("a published amount was altered afterwards", "I5", BOOKS,
            first("outbox", "envelope = replace(envelope, '\"gross_total\":\"', '\"gross_total\":\"9')",
                  "type LIKE '%invoice.issued%'")),
    corrupt("an event without a cause", "I6", SALES, first("outbox", extension("causationid", f"{NEW_ID}::text"), UNHEARD)),
    corrupt("an event that caused itself", "I6", SALES, first("outbox", extension("causationid", "event_id"), UNHEARD)),
    corrupt("an event that lost its correlation", "I6", SALES, first("outbox", extension("correlationid", "'x'"), UNHEARD)),
    corrupt("two events that cause each other", "I6", SALES,
            "WITH pair AS (SELECT min(event_id::text) AS a, max(event_id::text) AS b FROM outbox"
            " WHERE type LIKE '%order.backordered%')"
            " UPDATE outbox SET " + extension("causationid", "CASE event_id::text WHEN a THEN b ELSE a END")
            + " FROM pair WHERE event_id::text IN (a, b)",
            "UPDATE outbox SET " + extension("correlationid", "'same'") + " WHERE type LIKE '%order.backordered%'"),
    corrupt("a timer's event with the correlation of something else", "I6", SALES,
            first("outbox", extension("correlationid", "'x'"), UNHEARD),
            first("outbox", extension("causationid", "'timer:crm_sales.expire_quotes:1'"), UNHEARD)),
    corrupt("a command that left no trace", "I6", SALES,
            "DELETE FROM audit WHERE " + one("audit", "action = 'crm_sales.place_order'")),
    corrupt("a remembered answer for something that was not made", "I8", CONTACTS,
            first("audit", f"object_id = {NEW_ID}", "action = 'crm_contacts.create_contact'")),
    corrupt("one key made it twice", "I8", STOCK,
            f"INSERT INTO audit SELECT {NEW_ID}, at, actor, action, object_id, request_id, changes FROM audit"
            " WHERE action = 'erp_inventory.create_product' LIMIT 1"),
]  # fmt: skip

ORDERS = [
    corrupt("the warehouse forgot an order", "I9", STOCK,
            "DELETE FROM customer_order o WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.order_id = o.order_id)"),
    corrupt("an order is answered twice", "I9", STOCK, first("delivery", "backorder_of_id = NULL", "backorder_of_id IS NOT NULL")),
    corrupt("an answer without an order", "I9", STOCK,
            f"INSERT INTO customer_order (order_id, placed_at) VALUES ({NEW_ID}, now())"),
    corrupt("a reservation is opened again after the cancellation", "I10 I11 I24", STOCK,
            "INSERT INTO reservation SELECT l.id, d.id, d.order_id, l.product_id, d.location_id, d.placed_at, l.quantity, 1"
            " FROM delivery d JOIN delivery_line l ON l.delivery_id = d.id JOIN customer_order o ON o.order_id = d.order_id"
            " WHERE d.status = 'cancelled' AND o.cancelled_at IS NOT NULL LIMIT 1"),
    corrupt("a reservation is opened again for the rest of an order that was overtaken", "I10 I11 I24", STOCK,
            "INSERT INTO reservation SELECT l.id, d.id, d.order_id, l.product_id, d.location_id, d.placed_at, l.quantity, 1"
            " FROM delivery d JOIN delivery_line l ON l.delivery_id = d.id"
            " WHERE d.status = 'cancelled' AND d.backorder_of_id IS NOT NULL LIMIT 1"),
    corrupt("a confirmation is forgotten", "I10", STOCK,
            first("delivery", "confirmed = false, status = 'waiting'", "status = 'ready'")),
    corrupt("goods of a confirmed order are taken away", "I10 I24", STOCK,
            f"UPDATE reservation SET reserved = reserved - 1 WHERE {one('reservation', f'delivery_id IN {OPEN_READY}', key='delivery_line_id')}"),
    corrupt("a delivery is prepared without confirmation", "I10", SALES,
            first("sales_order", "confirmed_at = NULL", "delivery_status = 'reserved' AND status = 'confirmed'")),
    corrupt("sales counts too much as delivered", "I11", SALES,
            first("order_line", "delivered_quantity = delivered_quantity + 1", "kind = 'goods' AND delivered_quantity > 0")),
    corrupt("finance counts too little as delivered", "I11", BOOKS,
            first("sales_order_line", "delivered_quantity = delivered_quantity - 1", "delivered_quantity > 0 AND kind = 'goods'")),
    corrupt("more is on its way than was ordered", "I11 I24", STOCK,
            "UPDATE delivery_line SET quantity = quantity + 1 WHERE "
            + one("delivery_line", "delivery_id IN (SELECT id FROM delivery WHERE status = 'waiting')")),
    corrupt("another product is on its way", "I11 I24", STOCK,
            f"UPDATE delivery_line SET product_id = {NEW_ID} WHERE "
            + one("delivery_line", "delivery_id IN (SELECT id FROM delivery WHERE status = 'waiting')")),
    corrupt("less left than was delivered", "I10 I11 I12 I22", STOCK, first("delivery_line", "done = done - 1", "done > 1")),
    corrupt("delivered for a line that nobody ordered", "I10 I11 I12", STOCK,
            first("delivery_line", f"order_line_id = {NEW_ID}", "done > 0")),
    corrupt("one cent more on an invoice line", "I12", BOOKS,
            first("invoice_line", "net = net + 0.01", "order_line_id IS NOT NULL AND corrects_line_id IS NULL")),
    corrupt("a cent moved from one share to the next", "I12", BOOKS,
            "WITH shares AS (SELECT l.id, row_number() OVER (PARTITION BY order_line_id ORDER BY i.number) AS n FROM invoice_line l"
            " JOIN invoice i ON i.id = l.invoice_id WHERE order_line_id = (SELECT order_line_id FROM invoice_line GROUP BY 1"
            " HAVING count(*) = 3 AND order_line_id IS NOT NULL ORDER BY 1 LIMIT 1))"
            " UPDATE invoice_line l SET net = net + CASE n WHEN 1 THEN 0.01 ELSE -0.01 END FROM shares s WHERE s.id = l.id AND n < 3"),
    corrupt("one cent more tax", "I12 I14 I30", BOOKS,
            "UPDATE invoice SET tax_total = tax_total + 0.01, gross_total = gross_total + 0.01 WHERE "
            + one("invoice", "kind = 'invoice' AND number IS NOT NULL AND order_id IS NULL")),
    corrupt("another price than agreed", "I12", BOOKS,
            first("invoice_line", "unit_price = unit_price + 1", "order_line_id IS NOT NULL AND corrects_line_id IS NULL")),
    corrupt("the books remember another price", "I12", BOOKS,
            first("sales_order_line", "unit_price = unit_price + 1", "billed_quantity = 0")),
    corrupt("the books lost an order line", "I12", BOOKS,
            "DELETE FROM sales_order_line WHERE " + one("sales_order_line", "order_id IN (SELECT order_id FROM sales_order_line"
            " GROUP BY 1 HAVING count(*) = 2 AND max(billed_quantity) = 0)")),
    corrupt("the books have an order line too many", "I12", BOOKS,
            f"INSERT INTO sales_order_line SELECT (jsonb_populate_record(l, jsonb_build_object('id', {NEW_ID}))).*"
            " FROM sales_order_line l WHERE billed_quantity = 0 AND order_id IN"
            " (SELECT id FROM sales_order WHERE open_amount > 0) LIMIT 1"),
    corrupt("an invoice bills a line that nobody ordered", "I12 I15", BOOKS,
            first("invoice_line", f"order_line_id = {NEW_ID}", "order_line_id IS NOT NULL AND corrects_line_id IS NULL")),
    corrupt("sales changed a frozen line", "I12", SALES,
            "UPDATE order_line SET discount_percent = 99 WHERE "
            + one("order_line", "order_id IN (SELECT id FROM sales_order WHERE status = 'completed')")),
    corrupt("a shipment has no invoice", "I12", BOOKS, first("invoice", "delivery_id = NULL", "delivery_id IS NOT NULL")),
    corrupt("an invoice is there twice", "I12 I14 I15 I18 I30 I32 I33", BOOKS,
            "DROP INDEX uq_invoice_delivery_id, uq_invoice_company_id_number",
            "INSERT INTO invoice SELECT (jsonb_populate_record(i, jsonb_build_object('id', '0190a000-0000-7000-8000-00000000000a'))).*"
            " FROM invoice i WHERE status = 'partially_paid' AND delivery_id IS NOT NULL ORDER BY number LIMIT 1",
            f"INSERT INTO invoice_line SELECT (jsonb_populate_record(l, jsonb_build_object('id', {NEW_ID},"
            " 'invoice_id', '0190a000-0000-7000-8000-00000000000a'))).* FROM invoice_line l WHERE invoice_id ="
            " (SELECT id FROM invoice WHERE status = 'partially_paid' AND delivery_id IS NOT NULL"
            " AND id <> '0190a000-0000-7000-8000-00000000000a' ORDER BY number LIMIT 1)"),
    corrupt("the credit note of a cancelled order is lost", "I13", BOOKS,
            first("invoice", "order_id = NULL", "kind = 'credit_note' AND order_id IS NOT NULL")),
    corrupt("more is credited than was billed", "I13", BOOKS,
            first("invoice_line", "quantity = quantity + 10", "corrects_line_id IS NOT NULL AND order_line_id IS NULL")),
    corrupt("an invoice forgot its credit note", "I13", BOOKS,
            first("invoice", "credited_total = 0", "kind = 'invoice' AND credited_total > 0 AND status <> 'credited'")),
    corrupt("an allocation grew", "I14", BOOKS, first("allocation", "amount = amount + 1", "state = 'active'")),
    corrupt("an unpaid invoice reads paid", "I14", BOOKS, first("invoice", "status = 'paid'", "residual > 0 AND kind = 'invoice'")),
    corrupt("a payment kept too much", "I14 I18 I32", BOOKS,
            first("payment", "unallocated = unallocated + 1", "status = 'posted' AND unallocated < amount - 1")),
    corrupt("a payment settles the invoice of another", "I14", BOOKS,
            "UPDATE payment SET contact_id = gen_random_uuid() WHERE "
            + one("payment", "status = 'reversed'"),
            "UPDATE allocation SET state = 'active', released_on = NULL WHERE " + one("allocation", "state = 'released'")),
    corrupt("sales believes an invoice is paid", "I15", SALES, first("order_invoice", "residual = 0", "residual > 0", key="invoice_id")),
    corrupt("sales never heard of an invoice", "I15", SALES,
            "DELETE FROM order_invoice WHERE " + one("order_invoice", "residual = 0", key="invoice_id")),
    corrupt("sales knows an invoice that does not exist", "I15", SALES,
            f"INSERT INTO order_invoice SELECT {NEW_ID}, id, 10, 10, now() FROM sales_order WHERE status = 'completed'"),
    corrupt("sales counts too much as invoiced", "I15", SALES,
            first("order_line", "invoiced_quantity = invoiced_quantity + 1", "invoiced_quantity > 0")),
    corrupt("an order reads paid and is not", "I15", SALES,
            first("sales_order", "payment_status = 'paid'", "payment_status <> 'paid' AND invoice_status = 'invoiced'")),
    corrupt("a step is overdue", "I16", SALES,
            "UPDATE order_step SET deadline = now() - interval '1 hour' WHERE name = 'payment' AND "
            + one("order_step", "name = 'payment' AND status = 'pending'", key="order_id")),
    corrupt("a cancellation is not compensated", "I16", SALES,
            "UPDATE order_step SET status = 'pending' WHERE name = 'stock' AND "
            + one("order_step", "name = 'stock' AND status = 'compensated' AND order_id IN"
                  " (SELECT id FROM sales_order WHERE status = 'cancelled')", key="order_id")),
    corrupt("the warehouse never heard of the cancellation", "I16", STOCK,
            "UPDATE customer_order SET cancelled_at = NULL WHERE " + one("customer_order", "cancelled_at IS NOT NULL AND order_id IN"
            " (SELECT order_id FROM delivery WHERE status = 'cancelled' AND backorder_of_id IS NULL)", key="order_id")),
    corrupt("a completed order has a step that failed", "I16", SALES,
            "UPDATE order_step SET status = 'failed' WHERE name = 'payment' AND "
            + one("sales_order", "status = 'completed'").replace("id =", "order_id =", 1)),
    corrupt("the books never heard of the cancellation", "I16", BOOKS,
            first("sales_order", "status = 'open', credit = 'held'", "status = 'cancelled' AND invoiced_gross = 0")),
    corrupt("the books hold credit for a completed order", "I16 I18", BOOKS,
            first("sales_order", "open_amount = 5", "status = 'open' AND open_amount = 0 AND credit = 'approved'"
                  " AND jsonb_array_length(deliveries) = 3")),
    corrupt("a completed order is unpaid after all", "I14 I15 I16 I18 I32", BOOKS,
            first("invoice", "residual = 1, status = 'partially_paid'", "order_id IN (SELECT id FROM sales_order"
                  " WHERE jsonb_array_length(deliveries) = 3)")),
    corrupt("a completed order has an open delivery", "I10 I11 I12 I16 I22 I24", STOCK,
            "UPDATE delivery SET status = 'ready', shipped_on = NULL WHERE "
            + one("delivery", "backorder_of_id IS NOT NULL AND status = 'shipped' AND id IN (SELECT delivery_id FROM delivery_line"
                  " GROUP BY 1 HAVING count(*) = 3)", "number DESC")),
    corrupt("a customer's open orders are counted wrong", "I18", BOOKS,
            first("customer_account", "open_orders = open_orders + 1", key="contact_id")),
    corrupt("an order counts too much as open", "I18", BOOKS, first("sales_order", "open_amount = open_amount + 1", "open_amount > 0")),
    corrupt("an approval disappears", "I18", BOOKS, "DELETE FROM credit_approval"),
    corrupt("an order over the limit passed by itself", "I18", BOOKS,
            "DELETE FROM credit_approval", first("sales_order", "credit = 'approved'", "credit = 'released'")),
    corrupt("an order went on although its credit is held", "I18", BOOKS,
            first("sales_order", "credit = 'held'", "credit = 'approved' AND open_amount > 0 AND status = 'open' AND customer_id ="
                  " (SELECT customer_id FROM sales_order GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)")),
    corrupt("somebody approved his own order", "I18", SALES,
            first("sales_order", "placed_by = 'claire'", "credit_status = 'overridden'")),
]  # fmt: skip

GOODS = [
    corrupt("one piece more on hand", "I22", STOCK, first("stock_level", "on_hand = on_hand + 1")),
    corrupt("a move of another quantity", "I22", STOCK,
            first("stock_move", "quantity = quantity + 1", "from_usage = 'inventory'", "position DESC")),
    corrupt("a move to a place that does not exist", "I22", STOCK,
            first("stock_move", f"to_location_id = {NEW_ID}", "to_usage = 'customer'")),
    corrupt("stock is worth more than its moves", "I22 I32", STOCK, first("stock_level", "value = value + 1", "on_hand > 0")),
    corrupt("a move disappears", "I22 I30", STOCK,
            "DELETE FROM stock_move WHERE " + one("stock_move", "from_usage = 'inventory'", "position DESC")),
    corrupt("two moves are swapped", "I23", STOCK, FREE_POSITIONS,
            "WITH ends AS (SELECT product_id, min(position) AS a, max(position) FILTER (WHERE from_usage = 'internal') AS b"
            " FROM stock_move GROUP BY 1 HAVING count(*) FILTER (WHERE from_usage = 'internal') > 0 ORDER BY 1 LIMIT 1),"
            " gone AS (SELECT a, b FROM ends) UPDATE stock_move SET position = -position FROM gone WHERE position IN (a, b)",
            "WITH ends AS (SELECT min(position) AS b, max(position) AS a FROM stock_move WHERE position < 0)"
            " UPDATE stock_move SET position = CASE position WHEN a THEN -b ELSE -a END FROM ends WHERE position < 0"),
    corrupt("more is reserved than is there", "I23 I24", STOCK, "ALTER TABLE stock_level DROP CONSTRAINT ck_stock_level_reserved",
            first("stock_level", "reserved = on_hand + 1")),
    corrupt("a reserved quantity is not the sum of its reservations", "I24", STOCK,
            first("stock_level", "reserved = reserved - 1", "reserved > 0")),
    corrupt("a waiting line lost its reservation", "I24", STOCK,
            "DELETE FROM reservation WHERE " + one("reservation", "delivery_id IN (SELECT id FROM delivery WHERE status = 'waiting')", key="delivery_line_id")),
    corrupt("goods are set aside for another delivery", "I24", STOCK,
            f"UPDATE reservation SET delivery_id = {NEW_ID} WHERE " + one("reservation", key="delivery_line_id")),
]  # fmt: skip

LEDGER = [
    corrupt("a posted amount is edited", "I29 I31", BOOKS,
            "UPDATE journal_line SET debit = debit + 0.01 WHERE debit > 0 AND " + one("journal_entry", MANUAL).replace("id =", "entry_id =", 1)),
    corrupt("a posted line disappears", "I29 I31", BOOKS,
            "DELETE FROM journal_line WHERE debit > 0 AND " + one("journal_entry", MANUAL).replace("id =", "entry_id =", 1)),
    corrupt("a maintained balance is wrong", "I29", BOOKS, first("account_balance", "debit = debit + 1", key="account")),
    corrupt("an invoice lost its entry", "I30", BOOKS, first("invoice", "entry_id = NULL", "entry_id IS NOT NULL")),
    corrupt("a payment is posted for another amount", "I18 I30 I32", BOOKS,
            first("payment", "amount = amount + 1, unallocated = unallocated + 1", "status = 'posted' AND unallocated > 0"),
            ),
    corrupt("an entry is for a fact that does not exist", "I30 I31", BOOKS,
            first("journal_entry", f"source_id = {NEW_ID}", "source_type = 'payment'")),
    corrupt("stock is posted with another value than it moved", "I29 I30 I31 I32", BOOKS,
            "UPDATE journal_line SET debit = debit + 1 WHERE debit > 0 AND account = '6037' AND "
            + one("journal_entry", "source_type = 'stock' AND id IN (SELECT entry_id FROM journal_line WHERE account = '37'"
                  " AND credit > 0)").replace("id =", "entry_id =", 1),
            "UPDATE journal_line SET credit = credit + 1 WHERE credit > 0 AND account = '37' AND "
            + one("journal_entry", "source_type = 'stock' AND id IN (SELECT entry_id FROM journal_line WHERE account = '37'"
                  " AND credit > 0)").replace("id =", "entry_id =", 1)),
    corrupt("an entry reverses another one than it says", "I30 I31", BOOKS,
            "UPDATE journal_entry SET reverses_id = (SELECT id FROM journal_entry WHERE source_type = 'stock' LIMIT 1)"
            " WHERE source_type = 'payment_reversal'"),
    corrupt("a label is edited", "I31", BOOKS, first("journal_line", "label = label || ' '", key="entry_id")),
    corrupt("the hour of a posting is edited", "I31", BOOKS,
            first("journal_entry", "posted_at = posted_at - interval '1 microsecond'", "state = 'posted'")),
    corrupt("the link between two entries is edited", "I31", BOOKS, first("journal_entry", "prev_hash = repeat('a', 64)", "seq = 2")),
    corrupt("the head says something else", "I31", BOOKS, first("ledger_head", "seq = seq + 1", "journal = 'VT'", key="journal")),
    corrupt("a number is given twice", "I31", BOOKS, "DROP INDEX uq_journal_entry_number",
            first("journal_entry", "number = 'VT-2026-000002'", "journal = 'VT' AND seq = 1")),
    corrupt("the tail is cut off, and everything made to fit", "I31", BOOKS,
            "DELETE FROM journal_line WHERE entry_id IN (SELECT id FROM journal_entry WHERE journal = 'OD' AND reverses_id IS NOT NULL)",
            "DELETE FROM journal_entry WHERE journal = 'OD' AND reverses_id IS NOT NULL",
            "UPDATE ledger_head h SET seq = e.seq, hash = e.hash, numbers = jsonb_build_object(e.fiscal_year, e.seq)"
            " FROM (SELECT * FROM journal_entry WHERE journal = 'OD' ORDER BY seq DESC NULLS LAST LIMIT 1) e WHERE h.journal = 'OD'",
            "DELETE FROM account_balance WHERE journal = 'OD'",
            "INSERT INTO account_balance SELECT l.company_id, e.period_id, account, e.journal, sum(debit), sum(credit)"
            " FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id WHERE journal = 'OD' GROUP BY 1, 2, 3, 4"),
    corrupt("a period is locked backwards", "I32", BOOKS,
            "UPDATE period SET status = 'locked', locked_at = now() - interval '1 day' WHERE current_date BETWEEN starts_on AND ends_on"),
    corrupt("an entry is moved into another period", "I29 I32", BOOKS,
            "UPDATE journal_entry SET period_id = (SELECT id FROM period WHERE status = 'locked' ORDER BY code LIMIT 1) WHERE "
            + one("journal_entry", MANUAL)),
    corrupt("a receivable is booked on another customer", "I31 I32", BOOKS,
            "UPDATE journal_line SET partner_id = gen_random_uuid() WHERE account = '411' AND "
            + one("journal_entry", "source_type = 'payment' AND state = 'posted'").replace("id =", "entry_id =", 1)),
    corrupt("an invoice number is skipped", "I33", BOOKS,
            first("invoice", "number = 'FA-' || extract(year FROM issued_on) || '-00099'", "number LIKE 'FA-%'", "number DESC")),
    corrupt("an invoice is dated back", "I33", BOOKS,
            first("invoice", "issued_on = issued_on - 1", "number LIKE 'FA-%'", "number DESC")),
    corrupt("an invoice bears a number of its own making", "I33", BOOKS,
            first("invoice", "number = 'FA-SPECIAL'", "number LIKE 'FA-%'", "number DESC")),
    corrupt("a series counts on without a document", "I33", BOOKS, first("legal_series", "last = last + 1", key="series")),
]  # fmt: skip

ALL = MESSAGES + ORDERS + GOODS + LEDGER
