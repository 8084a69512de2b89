"""The limits that products, places, adjustments and deliveries are declared with hold in the database too.

Rows from before are left as they are. Indexes take the names that follow from the declarations.
"""

from alembic import op

revision = "0019"
down_revision = "0018"

_AMOUNT = "abs({0}) < 1000000000000"
_NOT_NEGATIVE = f"{_AMOUNT} AND {{0}} >= 0"
_LIMITS = {
    "product": {
        "sku": "length(sku) BETWEEN 1 AND 64",
        "name": "length(name) BETWEEN 1 AND 200",
        "unit": "length(unit) BETWEEN 1 AND 20",
        "barcode": "length(barcode) BETWEEN 1 AND 64",
        "category": "length(category) <= 100",
        "tax_code": "tax_code IN ('S20', 'S10', 'S5.5', 'S2.1', 'S0')",
        "tracking": "tracking IN ('none')",
        "valuation": "valuation IN ('avco')",
        "tags": "jsonb_array_length(tags) <= 50",
    },
    "warehouse": {"code": "length(code) BETWEEN 1 AND 20", "name": "length(name) BETWEEN 1 AND 200"},
    "location": {"code": "length(code) BETWEEN 1 AND 40", "name": "length(name) BETWEEN 1 AND 200"},
    "stock_adjustment": {
        "number": "length(number) <= 20",
        "reason": "length(reason) BETWEEN 1 AND 500",
        "value": _AMOUNT,
    },
    "stock_adjustment_line": {
        "quantity_delta": _AMOUNT,
        "counted_quantity": _NOT_NEGATIVE,
        "unit_cost": _NOT_NEGATIVE,
        "unit": "length(unit) <= 20",
        "value": _AMOUNT,
    },
    "delivery": {
        "number": "length(number) <= 20",
        "order_number": "length(order_number) <= 20",
        "customer_name": "length(customer_name) <= 201",
        "carrier": "length(carrier) <= 100",
        "tracking": "length(tracking) <= 100",
    },
    "delivery_line": {"description": "length(description) <= 500", "unit": "length(unit) <= 20"},
}
_CLOSER = {
    "product": {"sale_price": _NOT_NEGATIVE, "standard_cost": _NOT_NEGATIVE},
    "delivery_line": {"quantity": f"{_AMOUNT} AND {{0}} > 0"},
}
"""What takes the place of a constraint that says less."""
_INDEXES = {
    "product": ("created_at",),
    "warehouse": ("created_at",),
    "location": ("created_at", "warehouse_id"),
    "stock_adjustment": ("created_at", "warehouse_id"),
    "delivery": ("created_at", "order_id", "customer_id", "shipped_on"),
}


def upgrade() -> None:
    for table, limits in _CLOSER.items():
        for column in limits:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}")
    for limited in (_LIMITS, _CLOSER):
        for table, limits in limited.items():
            for column, condition in limits.items():
                check = f"ck_{table}_{column} CHECK ({condition.format(column)})"
                op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {check} NOT VALID")
    for table, columns in _INDEXES.items():
        for column in columns:
            op.execute(f"ALTER INDEX ix_{table}_{column}_id RENAME TO ix_{table}_{column}")
