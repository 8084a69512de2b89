"""The foundation: company, chart, periods, tax codes, ledger."""

import csv
from calendar import monthrange
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from shared.kernel.ids import DEFAULT_COMPANY_ID, new_id
from shared.storage.migrations import refuse_changes, revoke

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
    for statement in (*_ORGANISATION, *_LEDGER, *_GUARDS):
        op.execute(statement)
    for table in ("journal_line", "ledger_anchor"):
        for statement in refuse_changes(table):
            op.execute(statement)
        op.execute(revoke(table, "UPDATE", "DELETE", "TRUNCATE"))
    for table in ("journal_entry", "ledger_head", "account_balance", "period", "fiscal_year"):
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


def _rows(file: str) -> list[dict[str, str]]:
    with (_DATA / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


_CONTROL_ACCOUNTS = ("411", "37")


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
        [{"id": str(new_id()), **company, **row, "reconcilable": row["reconcilable"] == "yes",
          "blocked": row["code"] in _CONTROL_ACCOUNTS}
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
