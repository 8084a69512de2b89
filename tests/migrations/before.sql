-- What the migrations of all services did for the machinery, each in its own tree, before it had one of its own.
-- test_adopting.py builds databases of before with it, so it stays as it is.
-- section: machinery
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    type text NOT NULL,
    routing_key text NOT NULL,
    aggregate_id uuid NOT NULL,
    sequence bigint NOT NULL,
    envelope text NOT NULL,
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'published', 'unroutable')),
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX outbox_waiting ON outbox (id) WHERE state = 'new';
CREATE INDEX outbox_event ON outbox (event_id);
CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT;
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
END $$;
SELECT keep_outbox_partitions(2, 13);
CREATE TABLE aggregate_sequence (
    aggregate text NOT NULL,
    aggregate_id uuid NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (aggregate, aggregate_id)
);
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    producer text NOT NULL,
    aggregate_id uuid,
    sequence bigint,
    sha256 bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('done', 'trying', 'retry', 'parked', 'discarded')),
    attempts int NOT NULL,
    next_attempt_at timestamptz,
    error_code text,
    envelope bytea,
    received_at timestamptz NOT NULL,
    processed_at timestamptz,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_due ON inbox (next_attempt_at) WHERE state = 'retry';
CREATE INDEX inbox_open ON inbox (state) WHERE state <> 'done';
CREATE INDEX inbox_event ON inbox (event_id);
CREATE INDEX inbox_received ON inbox USING brin (received_at);
CREATE TABLE consumer_position (
    consumer text NOT NULL,
    aggregate_id uuid NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (consumer, aggregate_id)
);
CREATE TABLE idempotency (
    actor text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    status int NOT NULL,
    body text NOT NULL,
    headers jsonb NOT NULL,
    aggregate_id uuid,
    permanent boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (actor, operation, key)
);
CREATE INDEX idempotency_created ON idempotency USING brin (created_at);
CREATE TABLE audit (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    object_id uuid,
    request_id text NOT NULL,
    changes jsonb NOT NULL
);
CREATE INDEX audit_object ON audit (object_id, at);
CREATE INDEX audit_request ON audit (request_id);
CREATE TABLE timer (name text PRIMARY KEY, last_run timestamptz NOT NULL);
CREATE TABLE number_series (
    series text NOT NULL,
    company_id uuid NOT NULL,
    year int NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (series, company_id, year)
);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DO $$ BEGIN IF current_user LIKE '%_owner' AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname = left(current_user, -6)) THEN EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM %I', left(current_user, -6)); END IF; END $$;
-- section: lanes
ALTER TABLE outbox ADD COLUMN IF NOT EXISTS bulk boolean NOT NULL DEFAULT false;
DROP INDEX outbox_waiting;
CREATE INDEX outbox_waiting ON outbox (bulk, id) WHERE state = 'new';
CREATE INDEX IF NOT EXISTS outbox_bulk ON outbox (aggregate_id) WHERE state <> 'published' AND bulk;
-- section: keys
ALTER TABLE audit ADD COLUMN IF NOT EXISTS api_key_id uuid;
-- section: readers
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
END $$;
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
END $$;
DO $$ DECLARE
    reader name;
    shown text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ') INTO shown FROM pg_attribute WHERE attrelid = 'idempotency'::regclass
        AND attnum > 0 AND NOT attisdropped AND attname <> ALL ('{body}');
    FOR reader IN
        SELECT rolname FROM pg_class, aclexplode(relacl), pg_roles
        WHERE pg_class.oid = 'idempotency'::regclass AND pg_roles.oid = grantee
        GROUP BY rolname HAVING array_agg(privilege_type::text) = ARRAY['SELECT']
    LOOP
        EXECUTE format('REVOKE SELECT ON idempotency FROM %I', reader);
        EXECUTE format('GRANT SELECT (%s) ON idempotency TO %I', shown, reader);
    END LOOP;
END $$;
DO $$ DECLARE
    reader name;
    shown text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ') INTO shown FROM pg_attribute WHERE attrelid = 'inbox'::regclass
        AND attnum > 0 AND NOT attisdropped AND attname <> ALL ('{envelope}');
    FOR reader IN
        SELECT rolname FROM pg_class, aclexplode(relacl), pg_roles
        WHERE pg_class.oid = 'inbox'::regclass AND pg_roles.oid = grantee
        GROUP BY rolname HAVING array_agg(privilege_type::text) = ARRAY['SELECT']
    LOOP
        EXECUTE format('REVOKE SELECT ON inbox FROM %I', reader);
        EXECUTE format('GRANT SELECT (%s) ON inbox TO %I', shown, reader);
    END LOOP;
END $$;
-- section: jobs
CREATE TABLE job (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('import', 'export', 'undo')),
    resource text NOT NULL,
    status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    actor text NOT NULL,
    circumstances jsonb NOT NULL,
    options jsonb NOT NULL,
    upload_id uuid,
    done bigint NOT NULL,
    total bigint,
    checkpoint jsonb NOT NULL,
    result jsonb NOT NULL,
    failure jsonb,
    cancelled boolean NOT NULL,
    runner uuid,
    leased_until timestamptz,
    takeovers bigint NOT NULL,
    undoes uuid UNIQUE REFERENCES job (id) ON DELETE SET NULL,
    undone_by uuid,
    started_at timestamptz,
    finished_at timestamptz,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX job_open ON job (id) WHERE status IN ('queued', 'running');
CREATE INDEX job_actor ON job (actor, id);
CREATE TABLE file_chunk (
    file_id uuid NOT NULL,
    number int NOT NULL,
    content bytea NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_id, number)
);
ALTER TABLE file_chunk ALTER content SET STORAGE EXTERNAL;
CREATE INDEX file_chunk_created ON file_chunk USING brin (created_at);
CREATE TABLE job_error (
    job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    place bigint GENERATED ALWAYS AS IDENTITY,
    row_number bigint NOT NULL,
    header text,
    field text,
    code text NOT NULL,
    level text NOT NULL,
    text_en text,
    text_fr text,
    PRIMARY KEY (job_id, place)
);
CREATE TABLE job_row (
    job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    row_number bigint NOT NULL,
    match_key text,
    object_id uuid,
    effect text,
    version bigint,
    before jsonb,
    PRIMARY KEY (job_id, row_number)
);
CREATE INDEX job_row_match ON job_row (job_id, match_key) WHERE match_key IS NOT NULL;
-- section: files
DO $$ DECLARE
    reader name;
    shown text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ') INTO shown FROM pg_attribute WHERE attrelid = 'file_chunk'::regclass
        AND attnum > 0 AND NOT attisdropped AND attname <> ALL ('{}');
    FOR reader IN
        SELECT rolname FROM pg_class, aclexplode(relacl), pg_roles
        WHERE pg_class.oid = 'file_chunk'::regclass AND pg_roles.oid = grantee
        GROUP BY rolname HAVING array_agg(privilege_type::text) = ARRAY['SELECT']
    LOOP
        EXECUTE format('REVOKE SELECT ON file_chunk FROM %I', reader);
    END LOOP;
END $$;
-- section: folding
CREATE OR REPLACE FUNCTION folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(value) = length(value) THEN lower(value)
    ELSE replace(replace(replace(translate(lower(normalize(value, NFD)), U&'\00F8\0142\0111\0131\2019\2018\02BC\00A0\202F\2007\2010\2011\0300\0301\0302\0303\0304\0306\0307\0308\0309\030A\030B\030C\031B\0323\0326\0327\0328\0331\00AD\200B\2060\FEFF', U&'\006F\006C\0064\0069\0027\0027\0027\0020\0020\0020\002D\002D'), 'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss') END;
-- section: cells
ALTER TABLE job_error ADD COLUMN IF NOT EXISTS cell text;
-- section: claims
CREATE TABLE job_claim (job_id uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE, key uuid NOT NULL, object_id uuid NOT NULL);
CREATE INDEX job_claim_key ON job_claim (job_id, key);
-- section: lists
CREATE OR REPLACE FUNCTION folded_list(list jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT folded(one) FROM jsonb_array_elements_text(list) AS one);
