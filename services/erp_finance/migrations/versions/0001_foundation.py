"""The foundation: company, chart, ledger, tax codes, invoices, payments, credit."""

import csv
from calendar import monthrange
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from shared.ids import DEFAULT_COMPANY_ID, new_id
from shared.migrations import machinery, refuse_changes, revoke

revision = "0001"
down_revision = None

_DATA = Path(__file__).parents[2] / "data"
_GENESIS = "0" * 64
_AGGREGATE = """,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
)"""


def upgrade() -> None:
    machinery(op)
    for statement in (*_ORGANISATION, *_LEDGER, *_GUARDS, *_BILLING, *_BILLING_GUARDS):
        op.execute(statement)
    for table in ("journal_line", "ledger_anchor", "credit_approval", "invoice_line"):
        for statement in refuse_changes(table):
            op.execute(statement)
        op.execute(revoke(table, "UPDATE", "DELETE", "TRUNCATE"))
    for table in ("journal_entry", "invoice", "payment", "allocation", "ledger_head", "account_balance", "period"):
        op.execute(revoke(table, "DELETE", "TRUNCATE"))
    _seed()


_ORGANISATION = [
    """CREATE TABLE company (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    legal_form text,
    siren text,
    siret text,
    vat_number text,
    currency text NOT NULL,
    address jsonb NOT NULL,
    share_capital numeric,
    fiscal_year_start text NOT NULL,
    payment_days bigint NOT NULL CHECK (payment_days BETWEEN 0 AND 60)"""
    + _AGGREGATE,
    """CREATE TABLE account (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company,
    code text NOT NULL,
    name text NOT NULL,
    name_en text NOT NULL,
    type text NOT NULL CHECK (type IN ('asset', 'liability', 'equity', 'income', 'expense')),
    reconcilable boolean NOT NULL,
    blocked boolean NOT NULL"""
    + _AGGREGATE,
    "CREATE UNIQUE INDEX uq_account_company_id_code ON account (company_id, code)",
    "CREATE INDEX ix_account_code ON account (code, id)",
    """CREATE TABLE journal (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company,
    code text NOT NULL,
    name text NOT NULL,
    name_en text NOT NULL,
    type text NOT NULL CHECK (type IN ('sale', 'purchase', 'bank', 'cash', 'general', 'stock', 'opening'))"""
    + _AGGREGATE,
    "CREATE UNIQUE INDEX uq_journal_company_id_code ON journal (company_id, code)",
    """CREATE TABLE fiscal_year (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company,
    code text NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL CHECK (ends_on > starts_on)"""
    + _AGGREGATE,
    "CREATE UNIQUE INDEX uq_fiscal_year_company_id_starts_on ON fiscal_year (company_id, starts_on)",
    """CREATE TABLE period (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company,
    fiscal_year_id uuid NOT NULL REFERENCES fiscal_year,
    fiscal_year text NOT NULL,
    code text NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL CHECK (ends_on >= starts_on),
    status text NOT NULL CHECK (status IN ('open', 'soft_locked', 'locked')),
    locked_at timestamptz"""
    + _AGGREGATE,
    "CREATE UNIQUE INDEX uq_period_company_id_ends_on ON period (company_id, ends_on)",
    "CREATE INDEX ix_period_starts_on ON period (starts_on, id)",
    """CREATE TABLE tax_code (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    name text NOT NULL,
    name_en text NOT NULL,
    rate numeric NOT NULL CHECK (rate BETWEEN 0 AND 100),
    kind text NOT NULL CHECK (kind IN ('sale', 'purchase')),
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to >= valid_from),
    tax_account text NOT NULL,
    exigibility text NOT NULL CHECK (exigibility IN ('delivery', 'payment'))"""
    + _AGGREGATE,
    "CREATE UNIQUE INDEX uq_tax_code_code_valid_from ON tax_code (code, valid_from)",
]

_LEDGER = [
    """CREATE TABLE journal_entry (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    journal text NOT NULL,
    date date NOT NULL,
    reference text NOT NULL,
    currency text NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'posted')),
    fiscal_year text,
    period_id uuid REFERENCES period,
    number text,
    seq bigint,
    prev_hash text,
    hash text,
    hash_version bigint,
    total numeric,
    line_count bigint,
    source_type text,
    source_id uuid,
    reverses_id uuid REFERENCES journal_entry,
    posted_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (company_id, journal) REFERENCES journal (company_id, code),
    CHECK (state = 'draft' OR (number IS NOT NULL AND seq > 0 AND length(hash) = 64 AND length(prev_hash) = 64
        AND hash_version IS NOT NULL AND total > 0 AND line_count >= 2 AND period_id IS NOT NULL
        AND fiscal_year IS NOT NULL AND posted_at IS NOT NULL)),
    CHECK ((source_type IS NULL) = (source_id IS NULL))
    )""",
    "CREATE UNIQUE INDEX uq_journal_entry_number ON journal_entry (company_id, number)",
    "CREATE UNIQUE INDEX uq_journal_entry_seq ON journal_entry (company_id, journal, seq)",
    "CREATE UNIQUE INDEX uq_journal_entry_source ON journal_entry (source_id, source_type) WHERE source_id IS NOT NULL",
    "CREATE UNIQUE INDEX uq_journal_entry_reverses ON journal_entry (reverses_id) WHERE reverses_id IS NOT NULL",
    "CREATE INDEX ix_journal_entry_created_at ON journal_entry (created_at, id)",
    "CREATE INDEX ix_journal_entry_date ON journal_entry (date, id)",
    """CREATE TABLE draft_line (
    entry_id uuid NOT NULL REFERENCES journal_entry,
    position bigint NOT NULL,
    account text NOT NULL,
    label text NOT NULL,
    debit numeric NOT NULL,
    credit numeric NOT NULL,
    partner_id uuid,
    due_on date,
    tax_code text,
    PRIMARY KEY (entry_id, position)
    )""",
    """CREATE TABLE journal_line (
    entry_id uuid NOT NULL REFERENCES journal_entry,
    position bigint NOT NULL,
    company_id uuid NOT NULL,
    date date NOT NULL,
    account text NOT NULL,
    label text NOT NULL,
    debit numeric NOT NULL CHECK (debit >= 0),
    credit numeric NOT NULL CHECK (credit >= 0),
    partner_id uuid,
    due_on date,
    tax_code text,
    PRIMARY KEY (entry_id, position),
    FOREIGN KEY (company_id, account) REFERENCES account (company_id, code),
    CHECK ((debit > 0) <> (credit > 0))
    )""",
    "CREATE INDEX ix_journal_line_account ON journal_line (company_id, account, date)",
    "CREATE INDEX ix_journal_line_date ON journal_line (company_id, date)",
    "CREATE INDEX ix_journal_line_partner ON journal_line (partner_id, date) WHERE partner_id IS NOT NULL",
    """CREATE TABLE ledger_head (
    company_id uuid NOT NULL,
    journal text NOT NULL,
    currency text NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL,
    numbers jsonb NOT NULL,
    PRIMARY KEY (company_id, journal),
    FOREIGN KEY (company_id, journal) REFERENCES journal (company_id, code)
    ) WITH (fillfactor = 50)""",
    """CREATE TABLE ledger_anchor (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    journal text NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL,
    noted_at timestamptz NOT NULL,
    UNIQUE (company_id, journal, seq)
    )""",
    """CREATE TABLE account_balance (
    company_id uuid NOT NULL,
    period_id uuid NOT NULL REFERENCES period,
    account text NOT NULL,
    journal text NOT NULL,
    debit numeric NOT NULL,
    credit numeric NOT NULL,
    PRIMARY KEY (company_id, period_id, account, journal)
    ) WITH (fillfactor = 50)""",
]

# The database is the second wall: nothing posted changes, and nothing unbalanced is ever committed.
_GUARDS = [
    """CREATE FUNCTION keep_posted_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state = 'posted' THEN
            RAISE EXCEPTION 'journal entry % is posted and never changed', OLD.number USING ERRCODE = '42501';
        END IF;
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END $$""",
    "CREATE TRIGGER journal_entry_kept BEFORE UPDATE OR DELETE ON journal_entry"
    " FOR EACH ROW EXECUTE FUNCTION keep_posted_entry()",
    "CREATE TRIGGER journal_entry_no_truncate BEFORE TRUNCATE ON journal_entry"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    """CREATE FUNCTION check_posted_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE found record;
    BEGIN
        SELECT count(*) AS lines, sum(debit) AS debit, sum(credit) AS credit INTO found FROM journal_line
        WHERE entry_id = NEW.id AND company_id = NEW.company_id AND date = NEW.date;
        IF found.lines <> NEW.line_count OR found.debit <> NEW.total OR found.credit <> NEW.total
            OR found.debit IS NULL THEN
            RAISE EXCEPTION 'journal entry % is not balanced or not complete', NEW.number USING ERRCODE = '23514';
        END IF;
        RETURN NULL;
    END $$""",
    "CREATE CONSTRAINT TRIGGER journal_entry_balanced AFTER INSERT OR UPDATE ON journal_entry"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'posted') EXECUTE FUNCTION check_posted_entry()",
    """CREATE FUNCTION check_added_lines() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT 1 FROM (SELECT DISTINCT entry_id FROM added) a JOIN journal_entry e ON e.id = a.entry_id
            WHERE e.state <> 'posted'
               OR e.line_count <> (SELECT count(*) FROM journal_line l WHERE l.entry_id = e.id)
        ) THEN
            RAISE EXCEPTION 'lines come with their entry and never later' USING ERRCODE = '42501';
        END IF;
        RETURN NULL;
    END $$""",
    "CREATE TRIGGER journal_line_complete AFTER INSERT ON journal_line REFERENCING NEW TABLE AS added"
    " FOR EACH STATEMENT EXECUTE FUNCTION check_added_lines()",
]

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


def _rows(file: str) -> list[dict[str, str]]:
    with (_DATA / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _insert(table: str, rows: list[dict[str, object]]) -> None:
    columns = list(rows[0])
    values = ", ".join(f":{column}" for column in columns)
    op.get_bind().execute(sa.text(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"), rows)


def _seed() -> None:
    """The default company with its chart, its journals and the calendar year of the installation."""
    company = {"company_id": str(DEFAULT_COMPANY_ID)}
    _insert(
        "company",
        [{"id": str(DEFAULT_COMPANY_ID), "name": "Liaison", "currency": "EUR", "address": "{}",
          "fiscal_year_start": "01-01", "payment_days": 30}],
    )  # fmt: skip
    _insert(
        "account",
        [{"id": str(new_id()), **company, **row, "reconcilable": row["reconcilable"] == "yes", "blocked": False}
         for row in _rows("pcg.csv")],
    )  # fmt: skip
    journals = _rows("journals.csv")
    _insert("journal", [{"id": str(new_id()), **company, **row} for row in journals])
    head = {"currency": "EUR", "seq": 0, "hash": _GENESIS, "numbers": "{}"}
    _insert("ledger_head", [{**company, "journal": row["code"], **head} for row in journals])
    _insert("tax_code", [{"id": str(new_id()), **row} for row in _rows("tax_codes.csv")])
    _seed_year(date.today().year)


def _seed_year(year: int) -> None:
    company, fiscal_year = str(DEFAULT_COMPANY_ID), str(new_id())
    _insert(
        "fiscal_year",
        [{"id": fiscal_year, "company_id": company, "code": str(year), "starts_on": date(year, 1, 1),
          "ends_on": date(year, 12, 31)}],
    )  # fmt: skip
    _insert(
        "period",
        [{"id": str(new_id()), "company_id": company, "fiscal_year_id": fiscal_year, "fiscal_year": str(year),
          "code": f"{year}-{month:02}", "starts_on": date(year, month, 1),
          "ends_on": date(year, month, monthrange(year, month)[1]), "status": "open"}
         for month in range(1, 13)],
    )  # fmt: skip
