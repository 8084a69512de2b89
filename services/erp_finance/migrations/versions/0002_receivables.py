"""Receivables: customers and credit, orders, invoices, payments."""

from alembic import op

from shared.storage.migrations import refuse_changes, revoke

revision = "0002"
down_revision = "0001"

_AGGREGATE = """,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
)"""


def upgrade() -> None:
    for statement in (*_BILLING, *_BILLING_GUARDS):
        op.execute(statement)
    for table in ("credit_approval", "invoice_line"):
        for statement in refuse_changes(table):
            op.execute(statement)
        op.execute(revoke(table, "UPDATE", "DELETE", "TRUNCATE"))
    for table in ("invoice", "payment", "allocation", "legal_series", "customer_account", "sales_order"):
        op.execute(revoke(table, "DELETE", "TRUNCATE"))


_BILLING = [
    """CREATE TABLE customer (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    status text NOT NULL,
    language text NOT NULL,
    email text,
    siren text,
    vat_number text,
    country text"""
    + _AGGREGATE,
    """CREATE TABLE customer_account (
    company_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    open_orders numeric NOT NULL DEFAULT 0 CHECK (open_orders >= 0),
    receivable numeric NOT NULL DEFAULT 0 CHECK (receivable >= 0),
    unallocated numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (company_id, contact_id)
    ) WITH (fillfactor = 50)""",
    """CREATE TABLE credit_limit (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company,
    contact_id uuid NOT NULL,
    credit_limit numeric CHECK (credit_limit >= 0),
    currency text NOT NULL"""
    + _AGGREGATE,
    "CREATE UNIQUE INDEX uq_credit_limit_contact ON credit_limit (contact_id, company_id)",
    "CREATE INDEX ix_credit_limit_created_at ON credit_limit (created_at, id)",
    """CREATE TABLE credit_approval (
    order_id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    approved_by text NOT NULL,
    approved_at timestamptz NOT NULL,
    exposure numeric NOT NULL,
    credit_limit numeric,
    event_id uuid
    )""",
    """CREATE TABLE sales_order (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    number text NOT NULL,
    customer_id uuid,
    customer_name text NOT NULL,
    currency text NOT NULL,
    placed_on date,
    payment_days bigint NOT NULL,
    invoicing_policy text NOT NULL CHECK (invoicing_policy IN ('on_delivery', 'on_order')),
    net_total numeric NOT NULL,
    tax_total numeric NOT NULL,
    gross_total numeric NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'cancelled')),
    credit text NOT NULL CHECK (credit IN ('approved', 'held', 'released')),
    credit_exposure numeric NOT NULL,
    credit_limit numeric,
    decided_at timestamptz NOT NULL,
    open_amount numeric NOT NULL CHECK (open_amount >= 0),
    invoiced_gross numeric NOT NULL,
    fully_billed boolean NOT NULL,
    deliveries jsonb NOT NULL"""
    + _AGGREGATE,
    "CREATE INDEX ix_sales_order_customer ON sales_order (customer_id) WHERE open_amount > 0",
    """CREATE TABLE sales_order_line (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES sales_order,
    position bigint NOT NULL,
    product_id uuid NOT NULL,
    description text NOT NULL,
    kind text NOT NULL,
    quantity numeric NOT NULL CHECK (quantity > 0),
    unit text NOT NULL,
    unit_price numeric NOT NULL,
    discount_percent numeric NOT NULL,
    net numeric NOT NULL,
    tax_code text NOT NULL,
    tax_rate numeric NOT NULL,
    delivered_quantity numeric NOT NULL CHECK (delivered_quantity >= 0),
    billed_quantity numeric NOT NULL CHECK (billed_quantity >= 0),
    billed_net numeric NOT NULL
    ) WITH (fillfactor = 70)""",
    "CREATE INDEX ix_sales_order_line_order_id ON sales_order_line (order_id)",
    """CREATE TABLE invoice (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    company_id uuid NOT NULL REFERENCES company,
    number text CHECK (number ~ '^[A-Za-z0-9+_/-]{1,35}$'),
    status text NOT NULL CHECK (status IN ('draft', 'issued', 'partially_paid', 'paid', 'credited')),
    customer_id uuid NOT NULL,
    customer_name text NOT NULL,
    order_id uuid,
    delivery_id uuid,
    delivered_on date,
    corrects_id uuid REFERENCES invoice,
    entry_id uuid,
    currency text NOT NULL,
    issued_on date,
    due_on date,
    payment_days bigint NOT NULL,
    reference text NOT NULL,
    net_total numeric NOT NULL,
    tax_total numeric NOT NULL,
    gross_total numeric NOT NULL,
    residual numeric NOT NULL,
    credited_total numeric NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (gross_total = net_total + tax_total),
    CHECK (residual BETWEEN 0 AND gross_total),
    CHECK (credited_total >= 0),
    CHECK ((kind = 'credit_note') = (corrects_id IS NOT NULL)),
    CHECK ((status = 'draft') = (number IS NULL) AND (number IS NULL) = (issued_on IS NULL))
    ) WITH (fillfactor = 80)""",
    "CREATE UNIQUE INDEX uq_invoice_company_id_number ON invoice (company_id, number)",
    "CREATE UNIQUE INDEX uq_invoice_delivery_id ON invoice (delivery_id) WHERE delivery_id IS NOT NULL",
    "CREATE INDEX ix_invoice_created_at ON invoice (created_at, id)",
    "CREATE INDEX ix_invoice_issued_on ON invoice (issued_on, id)",
    "CREATE INDEX ix_invoice_customer_id ON invoice (customer_id, created_at, id)",
    "CREATE INDEX ix_invoice_order_id ON invoice (order_id) WHERE order_id IS NOT NULL",
    "CREATE INDEX ix_invoice_corrects_id ON invoice (corrects_id) WHERE corrects_id IS NOT NULL",
    """CREATE TABLE invoice_line (
    id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES invoice,
    position bigint NOT NULL,
    order_line_id uuid,
    corrects_line_id uuid REFERENCES invoice_line,
    product_id uuid,
    description text NOT NULL,
    kind text NOT NULL,
    quantity numeric NOT NULL,
    unit text NOT NULL,
    unit_price numeric NOT NULL,
    discount_percent numeric NOT NULL,
    net numeric NOT NULL,
    tax_code text NOT NULL,
    tax_rate numeric NOT NULL,
    UNIQUE (invoice_id, position)
    )""",
    "CREATE INDEX ix_invoice_line_corrects ON invoice_line (corrects_line_id) WHERE corrects_line_id IS NOT NULL",
    """CREATE TABLE legal_series (
    company_id uuid NOT NULL,
    series text NOT NULL,
    year bigint NOT NULL,
    last bigint NOT NULL,
    last_date date NOT NULL,
    PRIMARY KEY (company_id, series, year)
    ) WITH (fillfactor = 50)""",
    "CREATE SEQUENCE payment_number",
    """CREATE TABLE payment (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company,
    number text NOT NULL UNIQUE DEFAULT 'PAY-' || lpad(nextval('payment_number')::text, 6, '0'),
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    contact_id uuid NOT NULL,
    amount numeric NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    method text NOT NULL,
    date date NOT NULL,
    reference text NOT NULL,
    status text NOT NULL CHECK (status IN ('draft', 'posted', 'reversed')),
    unallocated numeric NOT NULL,
    entry_id uuid,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (unallocated BETWEEN 0 AND amount)
    )""",
    "CREATE INDEX ix_payment_created_at ON payment (created_at, id)",
    "CREATE INDEX ix_payment_date ON payment (date, id)",
    "CREATE INDEX ix_payment_contact_id ON payment (contact_id, created_at, id)",
    """CREATE TABLE allocation (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    payment_id uuid REFERENCES payment,
    credit_note_id uuid REFERENCES invoice,
    invoice_id uuid NOT NULL REFERENCES invoice,
    amount numeric NOT NULL CHECK (amount > 0),
    state text NOT NULL CHECK (state IN ('planned', 'active', 'released')),
    allocated_on date,
    released_on date,
    CHECK ((payment_id IS NULL) <> (credit_note_id IS NULL)),
    CHECK ((state = 'planned') = (allocated_on IS NULL)),
    CHECK ((state = 'released') = (released_on IS NOT NULL))
    )""",
    "CREATE INDEX ix_allocation_invoice_id ON allocation (invoice_id)",
    "CREATE INDEX ix_allocation_payment_id ON allocation (payment_id) WHERE payment_id IS NOT NULL",
    "CREATE INDEX ix_allocation_credit_note_id ON allocation (credit_note_id) WHERE credit_note_id IS NOT NULL",
]

# Of an issued invoice only what is open may move.
_BILLING_GUARDS = [
    """CREATE FUNCTION keep_issued_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.number IS NULL THEN
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        END IF;
        IF TG_OP = 'DELETE' OR
            to_jsonb(NEW) - '{status,residual,credited_total,version,updated_at}'::text[] IS DISTINCT FROM
            to_jsonb(OLD) - '{status,residual,credited_total,version,updated_at}'::text[] THEN
            RAISE EXCEPTION 'invoice % is issued and never changed', OLD.number USING ERRCODE = '42501';
        END IF;
        RETURN NEW;
    END $$""",
    "CREATE TRIGGER invoice_kept BEFORE UPDATE OR DELETE ON invoice FOR EACH ROW EXECUTE FUNCTION keep_issued_invoice()",
    "CREATE TRIGGER invoice_no_truncate BEFORE TRUNCATE ON invoice FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
]
