"""Replicas of customers and products, tax rates, quotes, orders and the process of an order."""

from alembic import op

from shared.storage.migrations import refuse_changes, revoke

revision = "0001"
down_revision = None

_REPLICAS = """
CREATE TABLE customer (id uuid PRIMARY KEY, name text NOT NULL, status text NOT NULL);
CREATE TABLE product (
    id uuid PRIMARY KEY,
    sku text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    unit text NOT NULL,
    sale_price numeric CHECK (sale_price >= 0),
    tax_code text NOT NULL,
    active boolean NOT NULL
);
CREATE TABLE tax_rate (
    code text NOT NULL,
    valid_from date NOT NULL,
    rate numeric NOT NULL CHECK (rate >= 0),
    PRIMARY KEY (code, valid_from)
);
"""

# Mainland France since 1 January 2014: CGI art. 278 (20 %), 279 (10 %), 278-0 bis (5,5 %), 281 quater (2,1 %).
_RATES = """
INSERT INTO tax_rate (code, valid_from, rate) VALUES
    ('S20', '2014-01-01', 20), ('S10', '2014-01-01', 10), ('S5.5', '2014-01-01', 5.5),
    ('S2.1', '2014-01-01', 2.1), ('S0', '2014-01-01', 0);
"""

_DOCUMENT = """
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    company_id uuid NOT NULL,
    customer_id uuid NOT NULL REFERENCES customer (id),
    customer_name text NOT NULL,
    opportunity_id uuid,
    owner_id uuid,
    currency text NOT NULL,
    payment_terms text NOT NULL,
    reference text,
    tags jsonb NOT NULL,
    net_total numeric NOT NULL CHECK (net_total >= 0),
    tax_total numeric NOT NULL CHECK (tax_total >= 0),
    gross_total numeric NOT NULL CHECK (gross_total = net_total + tax_total),
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
"""

_LINE = """
    id uuid PRIMARY KEY,
    position bigint NOT NULL,
    product_id uuid NOT NULL,
    kind text NOT NULL,
    description text NOT NULL,
    quantity numeric NOT NULL CHECK (quantity > 0),
    unit text NOT NULL,
    unit_price numeric NOT NULL CHECK (unit_price >= 0),
    discount_percent numeric NOT NULL CHECK (discount_percent BETWEEN 0 AND 100),
    tax_code text NOT NULL,
    tax_rate numeric NOT NULL CHECK (tax_rate >= 0),
    net numeric NOT NULL CHECK (net >= 0),
"""

_QUOTES = f"""
CREATE SEQUENCE quote_number;
CREATE TABLE quote ({_DOCUMENT}
    revision bigint NOT NULL CHECK (revision > 0),
    status text NOT NULL CHECK (status IN ('draft', 'sent', 'accepted', 'refused', 'expired', 'cancelled')),
    valid_until date,
    refusal_reason text,
    order_id uuid,
    CHECK ((status = 'accepted') = (order_id IS NOT NULL))
);
CREATE TABLE quote_line ({_LINE}
    quote_id uuid NOT NULL REFERENCES quote (id) ON DELETE CASCADE
);
CREATE INDEX ix_quote_line_quote_id ON quote_line (quote_id, position);
CREATE INDEX ix_quote_created_at ON quote (created_at, id);
CREATE INDEX ix_quote_gross_total ON quote (gross_total, id);
CREATE INDEX ix_quote_status ON quote (status, created_at, id);
CREATE INDEX ix_quote_customer_id ON quote (customer_id, created_at, id);
CREATE INDEX ix_quote_valid_until ON quote (valid_until) WHERE status = 'sent';
"""

_ORDERS = f"""
CREATE SEQUENCE order_number;
CREATE TABLE sales_order ({_DOCUMENT}
    quote_id uuid REFERENCES quote (id),
    requested_date date,
    invoicing_policy text NOT NULL CHECK (invoicing_policy IN ('on_delivery', 'on_order')),
    status text NOT NULL CHECK (status IN ('draft', 'placed', 'confirmed', 'on_hold', 'cancelled', 'completed')),
    delivery_status text NOT NULL CHECK (delivery_status IN ('none', 'reserved', 'backordered', 'partial', 'delivered')),
    invoice_status text NOT NULL CHECK (invoice_status IN ('none', 'partial', 'invoiced')),
    payment_status text NOT NULL CHECK (payment_status IN ('none', 'partial', 'paid')),
    credit_status text NOT NULL
        CHECK (credit_status IN ('none', 'pending', 'held', 'approved', 'overridden', 'released')),
    stock_status text NOT NULL CHECK (stock_status IN ('none', 'pending', 'short', 'complete', 'released')),
    rest_released boolean NOT NULL,
    has_goods boolean NOT NULL,
    has_services boolean NOT NULL,
    hold_reason text,
    cancel_reason text,
    placed_by text,
    placed_at timestamptz,
    confirmed_at timestamptz,
    completed_at timestamptz,
    cancelled_at timestamptz,
    CHECK (status IN ('draft', 'cancelled') OR placed_at IS NOT NULL),
    CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CHECK ((status = 'on_hold') = (hold_reason IS NOT NULL)),
    CHECK (status <> 'completed'
        OR (delivery_status = 'delivered' AND invoice_status = 'invoiced' AND payment_status = 'paid'))
);
CREATE TABLE order_line ({_LINE}
    order_id uuid NOT NULL REFERENCES sales_order (id) ON DELETE CASCADE,
    delivered_quantity numeric NOT NULL CHECK (delivered_quantity >= 0),
    invoiced_quantity numeric NOT NULL CHECK (invoiced_quantity >= 0),
    credited_quantity numeric NOT NULL CHECK (credited_quantity >= 0)
);
CREATE INDEX ix_order_line_order_id ON order_line (order_id, position);
CREATE INDEX ix_sales_order_created_at ON sales_order (created_at, id);
CREATE INDEX ix_sales_order_gross_total ON sales_order (gross_total, id);
CREATE INDEX ix_sales_order_status ON sales_order (status, created_at, id);
CREATE INDEX ix_sales_order_customer_id ON sales_order (customer_id, created_at, id);
CREATE INDEX ix_sales_order_delivery_status ON sales_order (delivery_status, created_at, id);
CREATE INDEX ix_sales_order_invoice_status ON sales_order (invoice_status, created_at, id);
CREATE INDEX ix_sales_order_payment_status ON sales_order (payment_status, created_at, id);
CREATE INDEX ix_sales_order_quote_id ON sales_order (quote_id) WHERE quote_id IS NOT NULL;
"""

_PROCESS = """
CREATE TABLE order_step (
    order_id uuid NOT NULL REFERENCES sales_order (id) ON DELETE CASCADE,
    name text NOT NULL
        CHECK (name IN ('placed', 'credit', 'stock', 'confirmation', 'delivery', 'invoicing', 'payment')),
    status text NOT NULL CHECK (status IN ('pending', 'done', 'failed', 'compensated')),
    at timestamptz NOT NULL,
    deadline timestamptz,
    waits_for text,
    reason text,
    PRIMARY KEY (order_id, name)
);
CREATE INDEX ix_order_step_deadline ON order_step (deadline)
    WHERE status = 'pending' AND deadline IS NOT NULL AND reason IS NULL;
CREATE TABLE order_invoice (
    invoice_id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES sales_order (id) ON DELETE CASCADE,
    gross_total numeric,
    residual numeric NOT NULL,
    told_at timestamptz NOT NULL
);
CREATE INDEX ix_order_invoice_order_id ON order_invoice (order_id);
CREATE TABLE order_trace (
    order_id uuid NOT NULL REFERENCES sales_order (id),
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    type text NOT NULL,
    id uuid NOT NULL,
    number text NOT NULL,
    at timestamptz NOT NULL,
    caused_by text,
    PRIMARY KEY (order_id, event_id)
);
"""


def upgrade() -> None:
    for statement in (_REPLICAS, _RATES, _QUOTES, _ORDERS, _PROCESS):
        op.execute(statement)
    for statement in refuse_changes("order_trace"):
        op.execute(statement)
    op.execute(revoke("order_trace", "UPDATE", "DELETE", "TRUNCATE"))
