"""A contact is known by the SIREN that its French VAT number contains, also where it was registered before."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute(
        "INSERT INTO contact_point (kind, value, contact_id) SELECT 'siren', substr(vat_number, 5), id FROM contact"
        " WHERE vat_number ~ '^FR..[0-9]{9}$' AND substr(vat_number, 5, 3) <> '000' ON CONFLICT DO NOTHING"
    )
