"""What migrations are made of: rights, triggers, indexes, and tables that several services have."""

from typing import Any

from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.money import LARGEST


def revoke(table: str, *privileges: str) -> str:
    """SQL that takes privileges on a table from the application role, where there is one besides the owner."""
    return (
        "DO $$ BEGIN IF current_user LIKE '%_owner' AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname ="
        " left(current_user, -6)) THEN EXECUTE format('REVOKE " + ", ".join(privileges) + f" ON {table} FROM %I',"
        " left(current_user, -6)); END IF; END $$"
    )


def conceal(table: str, *columns: str) -> str:
    """SQL that takes a table, or these columns of it, from every role that only reads: a role that also writes keeps it."""
    return f"""
        DO $$ DECLARE
            reader name;
            shown text;
        BEGIN
            SELECT string_agg(quote_ident(attname), ', ') INTO shown FROM pg_attribute WHERE attrelid = '{table}'::regclass
                AND attnum > 0 AND NOT attisdropped AND attname <> ALL ('{{{",".join(columns)}}}');
            FOR reader IN
                SELECT rolname FROM pg_class, aclexplode(relacl), pg_roles
                WHERE pg_class.oid = '{table}'::regclass AND pg_roles.oid = grantee
                GROUP BY rolname HAVING array_agg(privilege_type::text) = ARRAY['SELECT']
            LOOP
                EXECUTE format('REVOKE SELECT ON {table} FROM %I', reader);
                {"EXECUTE format('GRANT SELECT (%s) ON " + table + " TO %I', shown, reader);" if columns else ""}
            END LOOP;
        END $$
    """


def refuse_changes(table: str, *events: str) -> list[str]:
    """SQL for triggers by which the database itself refuses UPDATE, DELETE or TRUNCATE of a table."""
    statements = []
    for event in events or ("UPDATE", "DELETE", "TRUNCATE"):
        level = "STATEMENT" if event == "TRUNCATE" else "ROW"
        statements.append(
            f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} FOR EACH {level}"
            " EXECUTE FUNCTION refuse_change()"
        )
    return statements


def custom_fields(op: Any, *tables: str) -> None:
    """A copy of the definitions of custom fields (shared/flows/custom_copies.py), and a column `custom` on these tables."""
    op.execute(
        "CREATE TABLE custom_field (id uuid PRIMARY KEY, resource text NOT NULL, name text NOT NULL, type text NOT NULL,"
        " options jsonb NOT NULL, required boolean NOT NULL, label_en text NOT NULL, label_fr text NOT NULL)"
    )
    op.execute("CREATE INDEX ix_custom_field_resource ON custom_field (resource)")
    custom_values(op, *tables)


def custom_values(op: Any, *tables: str) -> None:
    """A column `custom` on these tables, and an index that finds rows by any of its values."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} ADD COLUMN custom jsonb NOT NULL DEFAULT '{{}}'")
        op.execute(f"CREATE INDEX ix_{table}_custom ON {table} USING gin (custom jsonb_path_ops)")


def known(op: Any) -> None:
    """The ids of what requests name and other services own; since revision 0009 of the machinery every service has them."""
    op.execute(
        "CREATE TABLE IF NOT EXISTS known (resource text NOT NULL, id uuid NOT NULL, PRIMARY KEY (resource, id))"
    )


def uses(op: Any) -> None:
    """Which records documents of other services name (shared/storage/uses.py)."""
    op.execute(
        "CREATE TABLE used (id uuid NOT NULL, by text NOT NULL, since timestamptz NOT NULL DEFAULT now(),"
        " PRIMARY KEY (id, by))"
    )


def companies_of_known(op: Any) -> None:
    """The companies in which what is known is seen, null for all: until its owner tells of it again, that is assumed."""
    op.execute("ALTER TABLE known ADD COLUMN IF NOT EXISTS companies uuid[]")


def drafts_use(op: Any) -> None:
    """Which records documents name that may still change or go (shared/storage/uses.py)."""
    op.execute(
        "CREATE TABLE named (document_id uuid NOT NULL, id uuid NOT NULL, by text NOT NULL, PRIMARY KEY (document_id, id))"
    )
    op.execute("CREATE INDEX ix_named_id ON named (id)")


def known_companies(op: Any) -> None:
    """The ids of all companies, the first one in it from the start, where no more of them is kept."""
    op.execute("CREATE TABLE company (id uuid PRIMARY KEY)")
    op.execute(f"INSERT INTO company VALUES ('{DEFAULT_COMPANY_ID}')")


def bound_amounts(op: Any, table: str, *columns: str) -> None:
    """Let the database hold amounts and quantities to the bound of `money.py`; rows from before are left as they are."""
    for column in columns:
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{column}_bound CHECK (abs({column}) < {LARGEST}) NOT VALID"
        )


def name_constraints(op: Any) -> None:
    """Give constraints the names of `shared/storage/database.py`, where PostgreSQL has chosen one.

    Checks of several columns have no name that follows from what they are about; see `name_checks`.
    """
    op.execute(_NAME_CONSTRAINTS)


def name_checks(op: Any, table: str, **names: str) -> None:
    """Name checks of several columns: `check="total"` is the one that PostgreSQL called `<table>_check`."""
    for given, name in names.items():
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {table}_{given} TO ck_{table}_{name}")


_NAME_CONSTRAINTS = """
    DO $$ DECLARE
        given record;
    BEGIN
        FOR given IN
            SELECT relname, conname, CASE contype
                WHEN 'p' THEN 'pk_' || relname
                WHEN 'f' THEN 'fk_' || relname || '_' || names[1]
                WHEN 'u' THEN 'uq_' || relname || '_' || array_to_string(names, '_')
                ELSE 'ck_' || relname || '_' || names[1] END AS convention
            FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid CROSS JOIN LATERAL (
                SELECT array_agg(attname::text ORDER BY place) AS names FROM unnest(conkey) WITH ORDINALITY AS k (attnum, place)
                JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.attnum) AS columns
            WHERE connamespace = 'public'::regnamespace AND NOT relispartition AND conname = relname || CASE contype
                WHEN 'p' THEN '_pkey'
                WHEN 'f' THEN '_' || array_to_string(names, '_') || '_fkey'
                WHEN 'u' THEN '_' || array_to_string(names, '_') || '_key'
                WHEN 'c' THEN '_' || names[1] || '_check' END
        LOOP
            EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT %I TO %I', given.relname, given.conname, given.convention);
        END LOOP;
    END $$
"""
