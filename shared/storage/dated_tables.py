"""What migrations make for services that date documents (business_days.py, closed_periods.py)."""

from typing import Any

from shared.kernel.fiscal_years import FIRST_DAY
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.time_zones import DEFAULT_ZONE
from shared.storage.closed_periods import CONSTRAINT


def company_copies(op: Any) -> None:
    """Copies of the companies, the first one in it from the start, and of the periods that are locked."""
    op.execute(
        "CREATE TABLE company (id uuid PRIMARY KEY, name text NOT NULL, currency text NOT NULL, time_zone text NOT NULL)"
    )
    op.execute(f"INSERT INTO company VALUES ('{DEFAULT_COMPANY_ID}', 'Liaison', 'EUR', '{DEFAULT_ZONE}')")
    op.execute(
        "CREATE TABLE locked_period (id uuid PRIMARY KEY, company_id uuid NOT NULL, code text NOT NULL,"
        " starts_on date NOT NULL, ends_on date NOT NULL, final boolean NOT NULL)"
    )
    op.execute("CREATE INDEX ix_locked_period_company_id_ends_on ON locked_period (company_id, ends_on)")


def fiscal_year_copies(op: Any) -> None:
    """Copies of the fiscal years, and of the day on which those of a company begin."""
    op.execute(f"ALTER TABLE company ADD COLUMN fiscal_year_start text NOT NULL DEFAULT '{FIRST_DAY}'")
    op.execute(
        "CREATE TABLE fiscal_year (id uuid PRIMARY KEY, company_id uuid NOT NULL, starts_on date NOT NULL,"
        " ends_on date NOT NULL)"
    )


def obey_period_locks(op: Any, table: str, day: str) -> None:
    """Let the database refuse rows of a table that are dated in a period that is locked for good."""
    name = f"obey_period_locks_of_{table}"
    op.execute(
        f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE locked text;
        BEGIN
            SELECT p.code INTO locked FROM added a JOIN locked_period p ON p.company_id = a.company_id
                AND a.{day} BETWEEN p.starts_on AND p.ends_on WHERE p.final LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'the period % is locked', locked
                    USING ERRCODE = '23514', CONSTRAINT = '{CONSTRAINT}', DETAIL = locked;
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER {table}_obeys_period_locks AFTER INSERT ON {table} REFERENCING NEW TABLE AS added"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )
