"""The limits that contacts and custom fields are declared with hold in the database too.

Rows from before are left as they are.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

_STAGES = "'subscriber', 'lead', 'marketingqualifiedlead', 'salesqualifiedlead', 'opportunity', 'customer', 'evangelist', 'other'"
_LIMITS = {
    "contact": {
        "first_name": "length(first_name) <= 100",
        "last_name": "length(last_name) <= 100",
        "legal_name": "length(legal_name) <= 200",
        "vat_number": "length(vat_number) <= 30",
        "naf_code": "length(naf_code) <= 6",
        "language": "length(language) <= 5",
        "emails": "jsonb_array_length(emails) <= 20",
        "phones": "jsonb_array_length(phones) <= 20",
        "addresses": "jsonb_array_length(addresses) <= 20",
        "roles": "jsonb_array_length(roles) <= 5",
        "lifecycle_stage": f"lifecycle_stage IN ({_STAGES})",
        "source": "length(source) <= 100",
        "tags": "jsonb_array_length(tags) <= 50",
    },
    "custom_field": {
        "resource": "length(resource) BETWEEN 1 AND 50",
        "options": "jsonb_array_length(options) <= 200",
        "label_en": "length(label_en) BETWEEN 1 AND 100",
        "label_fr": "length(label_fr) BETWEEN 1 AND 100",
    },
}


def upgrade() -> None:
    for table, limits in _LIMITS.items():
        for column, condition in limits.items():
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column} CHECK ({condition}) NOT VALID")
