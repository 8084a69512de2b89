"""Functions in a service's database: the one that is lent to the service, and who may run which."""

from typing import Any

# The service has no right to create or drop tables; this function lends it just these, with the owner's rights.
# Inboxes remember for 90 days and are checked against the outbox (`deploy/auditor`): four months are the least.
# A partition is locked before it is looked at, so that nobody (`operator backfill`) marks rows of it in between.
KEEP_OUTBOX_PARTITIONS = """
    CREATE OR REPLACE FUNCTION keep_outbox_partitions(months_ahead int, months_kept int) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        month date;
        old record;
        waits boolean;
    BEGIN
        IF coalesce(months_ahead NOT BETWEEN 0 AND 24 OR months_kept NOT BETWEEN 4 AND 1200, true) THEN
            RAISE EXCEPTION 'months_ahead must be 0 to 24 and months_kept 4 to 1200, not % and %', months_ahead, months_kept
                USING ERRCODE = '22023';
        END IF;
        FOR i IN 0..months_ahead LOOP
            month := (date_trunc('month', now()) + make_interval(months => i))::date;
            EXECUTE format('CREATE TABLE IF NOT EXISTS public.%I PARTITION OF public.outbox FOR VALUES FROM (%L) TO (%L)',
                'outbox_' || to_char(month, 'YYYYMM'), month, (month + interval '1 month')::date);
        END LOOP;
        FOR old IN
            SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
            WHERE inhparent = 'public.outbox'::regclass AND c.relname ~ '^outbox_[0-9]{6}$'
              AND to_date(right(c.relname, 6), 'YYYYMM') < date_trunc('month', now()) - make_interval(months => months_kept)
        LOOP
            EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', old.relname);
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I WHERE state <> ''published'')', old.relname) INTO waits;
            IF waits THEN
                RAISE WARNING 'the outbox of % is kept: it holds events that were never sent', right(old.relname, 6);
            ELSE
                EXECUTE format('DROP TABLE public.%I', old.relname);
            END IF;
        END LOOP;
    END $$
"""

# PostgreSQL lets everybody run a new function. Here the service may, who needs them, and nobody else; those that belong
# to an extension are not ours. The default holds for whatever a later migration creates.
_FOR_THE_SERVICE_ALONE = """
    DO $$ DECLARE
        ours regprocedure;
        service name := left(current_user, -6);
        apart boolean := current_user LIKE '%_owner' AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname = left(current_user, -6));
    BEGIN
        ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
        IF apart THEN
            EXECUTE format('ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO %I', service);
        END IF;
        FOR ours IN
            SELECT oid::regprocedure FROM pg_proc WHERE proowner = current_user::regrole AND NOT EXISTS
                (SELECT 1 FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
        LOOP
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', ours);
            IF apart THEN
                EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', ours, service);
            END IF;
        END LOOP;
    END $$
"""


def guard_functions(op: Any) -> None:
    """Take our functions from PUBLIC, those of today and of later, and never drop what was not sent."""
    op.execute(KEEP_OUTBOX_PARTITIONS)
    op.execute(_FOR_THE_SERVICE_ALONE)
