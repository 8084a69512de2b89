"""What may happen to events and to the traces of commands."""

from tests.auditor.corruptions.corruption import BOOKS, CONTACTS, NEW_ID, SALES, STOCK, corrupt, extension, first, one

UNHEARD = "type LIKE '%order.completed%'"
"""Events that nobody listens to: nobody notices a change of theirs by the hash of what it took."""

MESSAGES = [
    corrupt(
        "an inbox row is lost",
        "I1",
        BOOKS,
        "DELETE FROM inbox WHERE consumer = 'decide_credit' AND "
        + one("inbox", "consumer = 'decide_credit'", key="event_id"),
    ),
    corrupt(
        "a message waits for another attempt",
        "I1",
        SALES,
        first("inbox", "state = 'retry'", "consumer = 'note_shipment'", key="event_id")
        + " AND consumer = 'note_shipment'",
    ),
    corrupt(
        "somebody slips in an event",
        "I2",
        SALES,
        f"INSERT INTO inbox SELECT consumer, {NEW_ID}, type, producer, aggregate_id, sequence, sha256, state, attempts,"
        " NULL, NULL, NULL, received_at, processed_at FROM inbox WHERE consumer = 'note_receipt' LIMIT 1",
    ),
    corrupt(
        "an event is said to be another service's",
        "I2",
        BOOKS,
        first("inbox", "producer = 'crm_sales'", "consumer = 'post_stock'", key="event_id"),
    ),
    corrupt(
        "an event is said to be of another type",
        "I2",
        BOOKS,
        first("inbox", "type = 'liaison.erp_inventory.stock.moved.v9'", "consumer = 'post_stock'", key="event_id"),
    ),
    corrupt(
        "a published event disappears",
        "I2 I3",
        STOCK,
        "DELETE FROM outbox WHERE " + one("outbox", "type LIKE '%product.created%'"),
    ),
    corrupt("two events of an aggregate are one", "I3", SALES, first("outbox", "sequence = sequence - 1", UNHEARD)),
    corrupt("a counter runs ahead", "I3", BOOKS, first("aggregate_sequence", "last = last + 1", key="aggregate_id")),
    corrupt(
        "the number in the envelope is another", "I3", SALES, first("outbox", extension("sequence", "'1'"), UNHEARD)
    ),
    corrupt(
        "a copy is behind",
        "I3",
        SALES,
        first("consumer_position", "sequence = sequence - 1", "consumer = 'copy_product'", key="aggregate_id"),
    ),
    corrupt(
        "a copy was never made",
        "I3",
        SALES,
        "DELETE FROM consumer_position WHERE "
        + one("consumer_position", "consumer = 'copy_customer'", key="aggregate_id"),
    ),
    corrupt("an event was not sent", "I4", BOOKS, first("outbox", "state = 'new', published_at = NULL")),
    corrupt("an event found no queue", "I4", SALES, first("outbox", "state = 'unroutable'", UNHEARD)),
    corrupt(
        "a message is parked",
        "I4",
        STOCK,
        first("inbox", "state = 'parked', error_code = 'KeyError'", "consumer = 'reserve_order'", key="event_id")
        + " AND consumer = 'reserve_order'",
    ),
    corrupt(
        "bytes that nobody can read are parked",
        "I4",
        STOCK,
        "INSERT INTO inbox (consumer, event_id, type, producer, sha256, state, attempts, error_code, envelope, received_at)"
        " VALUES ('reserve_order', '0190a000-0000-8000-8000-000000000001', 'undecodable', 'unknown', sha256('{'), 'parked',"
        " 1, 'undecodable', '{', now())",
    ),
    corrupt(
        "a message was discarded by nobody",
        "I4",
        BOOKS,
        first("inbox", "state = 'discarded'", "consumer = 'post_stock'", key="event_id"),
    ),
    corrupt(
        "an event was altered on its way",
        "I5",
        BOOKS,
        first("inbox", "sha256 = sha256('other bytes')", "consumer = 'keep_customer'", key="event_id"),
    ),
    corrupt(
        "a published amount was altered afterwards",
        "I5",
        BOOKS,
        first(
            "outbox",
            'envelope = replace(envelope, \'"gross_total":"\', \'"gross_total":"9\')',
            "type LIKE '%invoice.issued%'",
        ),
    ),
    corrupt(
        "an event without a cause", "I6", SALES, first("outbox", extension("causationid", f"{NEW_ID}::text"), UNHEARD)
    ),
    corrupt("an event that caused itself", "I6", SALES, first("outbox", extension("causationid", "event_id"), UNHEARD)),
    corrupt(
        "an event that lost its correlation", "I6", SALES, first("outbox", extension("correlationid", "'x'"), UNHEARD)
    ),
    corrupt(
        "two events that cause each other",
        "I6",
        SALES,
        "WITH pair AS (SELECT min(event_id::text) AS a, max(event_id::text) AS b FROM outbox"
        " WHERE type LIKE '%order.backordered%')"
        " UPDATE outbox SET "
        + extension("causationid", "CASE event_id::text WHEN a THEN b ELSE a END")
        + " FROM pair WHERE event_id::text IN (a, b)",
        "UPDATE outbox SET " + extension("correlationid", "'same'") + " WHERE type LIKE '%order.backordered%'",
    ),
    corrupt(
        "a timer's event with the correlation of something else",
        "I6",
        SALES,
        first("outbox", extension("correlationid", "'x'"), UNHEARD),
        first("outbox", extension("causationid", "'timer:crm_sales.expire_quotes:1'"), UNHEARD),
    ),
    corrupt(
        "a command that left no trace",
        "I6",
        SALES,
        "DELETE FROM audit WHERE " + one("audit", "action = 'crm_sales.place_order'"),
    ),
    corrupt(
        "a remembered answer for something that was not made",
        "I8",
        CONTACTS,
        first("audit", f"object_id = {NEW_ID}", "action = 'crm_contacts.create_contact'"),
    ),
    corrupt(
        "one key made it twice",
        "I8",
        STOCK,
        f"INSERT INTO audit SELECT {NEW_ID}, at, actor, action, object_id, request_id, changes FROM audit"
        " WHERE action = 'erp_inventory.create_product' LIMIT 1",
    ),
]
