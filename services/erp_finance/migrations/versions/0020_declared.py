"""The limits, uniques and indexes that the resources are declared with. Rows from before are left as they are."""

from alembic import op

revision = "0020"
down_revision = "0019"

_CURRENCIES = "currency IN ('EUR', 'USD', 'GBP', 'CHF', 'JPY')"
_LIMITS = {
    "account": {
        "code": "length(code) BETWEEN 2 AND 20",
        "name": "length(name) BETWEEN 1 AND 200",
        "name_en": "length(name_en) BETWEEN 1 AND 200",
    },
    "company": {
        "currency": _CURRENCIES,
        "fiscal_year_start": "length(fiscal_year_start) BETWEEN 5 AND 5",
        "legal_form": "length(legal_form) <= 50",
        "name": "length(name) BETWEEN 1 AND 200",
        "share_capital": "abs(share_capital) < 1000000000000 AND share_capital >= 0",
        "siren": "length(siren) BETWEEN 9 AND 9",
        "siret": "length(siret) BETWEEN 14 AND 14",
        "time_zone": "length(time_zone) <= 64",
        "vat_number": "length(vat_number) <= 20",
    },
    "credit_limit": {
        "credit_limit": "abs(credit_limit) < 1000000000000 AND credit_limit >= 0",
        "currency": _CURRENCIES,
    },
    "fiscal_year": {"code": "length(code) <= 20"},
    "invoice": {
        "currency": _CURRENCIES,
        "customer_name": "length(customer_name) <= 201",
        "net_total": "abs(net_total) < 1000000000000",
        "payment_days": "payment_days BETWEEN 0 AND 60",
        "reference": "length(reference) <= 200",
        "tax_total": "abs(tax_total) < 1000000000000",
    },
    "invoice_line": {
        "description": "length(description) BETWEEN 1 AND 1000",
        "discount_percent": "discount_percent BETWEEN 0 AND 100",
        "kind": "kind IN ('goods', 'service', 'consumable')",
        "net": "abs(net) < 1000000000000",
        "quantity": "abs(quantity) < 1000000000000 AND quantity > 0",
        "tax_code": "length(tax_code) <= 20",
        "tax_rate": "tax_rate BETWEEN 0 AND 100",
        "unit": "length(unit) <= 20",
        "unit_price": "abs(unit_price) < 1000000000000 AND unit_price >= 0",
    },
    "journal": {
        "code": "length(code) <= 10",
        "name": "length(name) <= 200",
        "name_en": "length(name_en) <= 200",
    },
    "journal_entry": {
        "currency": _CURRENCIES,
        "hash": "length(hash) <= 64",
        "journal": "length(journal) BETWEEN 1 AND 10",
        "number": "length(number) <= 35",
        "reference": "length(reference) <= 300",
        "source_type": "length(source_type) <= 50",
    },
    "payment": {
        "amount": "abs(amount) < 1000000000000 AND amount > 0",
        "currency": _CURRENCIES,
        "method": "method IN ('transfer', 'card', 'direct_debit', 'cheque', 'cash')",
        "number": "length(number) <= 20",
        "reference": "length(reference) <= 200",
    },
    "period": {"code": "length(code) <= 20"},
    "tax_code": {
        "code": "length(code) <= 20",
        "name": "length(name) <= 200",
        "name_en": "length(name_en) <= 200",
    },
}
_REPLACED = {
    "credit_limit": ("credit_limit",),
    "invoice": ("net_total_bound", "tax_total_bound"),
    "invoice_line": ("net_bound", "quantity_bound"),
    "payment": ("amount", "amount_bound"),
}
"""What the declared checks say as well."""

_UNIQUE = {
    "account": "company_id_code",
    "fiscal_year": "company_id_starts_on",
    "journal": "company_id_code",
    "period": "company_id_ends_on",
    "tax_code": "code_valid_from",
}
"""Unique indexes that are constraints from now on, under the same name."""


def upgrade() -> None:
    for table, checks in _REPLACED.items():
        for check in checks:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{check}")
    for table, limits in _LIMITS.items():
        for column, condition in limits.items():
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column} CHECK ({condition}) NOT VALID")
    for table, columns in _UNIQUE.items():
        name = f"uq_{table}_{columns}"
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}")
        op.execute(f"CREATE INDEX ix_{table}_created_at ON {table} (created_at, id)")
    op.execute("CREATE INDEX ix_company_created_at ON company (created_at, id)")
    op.execute('CREATE INDEX ix_account_code_trgm ON account USING gin ((folded(code) COLLATE "C") gin_trgm_ops)')
