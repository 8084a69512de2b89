"""The limits that quotes, orders and their lines are declared with hold in the database too.

Texts from before are left as they are.
"""

from alembic import op

revision = "0020"
down_revision = "0019"

_LINES = {
    "description": "length(description) BETWEEN 1 AND 500",
    "unit": "length(unit) <= 20",
    "tax_code": "length(tax_code) <= 20",
}
_DOCUMENTS = {
    "number": "length(number) <= 20",
    "customer_name": "length(customer_name) <= 201",
    "currency": "currency IN ('EUR', 'USD', 'GBP', 'CHF', 'JPY')",
    "payment_terms": "payment_terms IN ('immediate', 'net_10', 'net_15', 'net_30', 'net_45', 'net_60')",
    "reference": "length(reference) <= 100",
    "tags": "jsonb_array_length(tags) <= 50",
}
_TEXTS = {
    "quote": {**_DOCUMENTS, "refusal_reason": "length(refusal_reason) <= 500"},
    "sales_order": {**_DOCUMENTS, "cancel_reason": "length(cancel_reason) <= 500"},
    "quote_line": _LINES,
    "order_line": _LINES,
}
_TOTALS = ("net_total", "tax_total")
_NET = ("unit_price", "net")
_DONE = ("delivered_quantity", "invoiced_quantity", "credited_quantity")
_NUMBERS = {
    "quote": {column: f"abs({column}) < 1000000000000 AND {column} >= 0" for column in _TOTALS},
    "sales_order": {column: f"abs({column}) < 1000000000000 AND {column} >= 0" for column in _TOTALS},
    "quote_line": {column: f"abs({column}) < 1000000000000 AND {column} >= 0" for column in _NET},
    "order_line": {column: f"abs({column}) < 1000000000000 AND {column} >= 0" for column in (*_NET, *_DONE)},
}
_QUANTITY = "abs(quantity) < 1000000000000 AND quantity > 0"
_RATE = "tax_rate BETWEEN 0 AND 100"


def upgrade() -> None:
    for table, numbers in _NUMBERS.items():
        of_lines = {"quantity": _QUANTITY, "tax_rate": _RATE} if table.endswith("_line") else {}
        for column, condition in {**numbers, **of_lines}.items():
            _replace(table, column, condition)
    for table in ("quote", "sales_order"):
        for column in _TOTALS:  # the limit stands in the same constraint now
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}_bound")
    _replace("quote", "revision", "revision BETWEEN 1 AND 2147483647")
    for table, texts in _TEXTS.items():
        for column, condition in texts.items():
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column} CHECK ({condition}) NOT VALID")


def _replace(table: str, column: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column} CHECK ({condition})")
