-- The tables every service has. Frozen once released: a change is a 0002.sql beside it.
-- A comment beginning with "retention:" names the retention class of each table.

CREATE TABLE event_sequence (
    partition_key uuid PRIMARY KEY,
    last_sequence bigint NOT NULL CHECK (last_sequence > 0)
);
COMMENT ON TABLE event_sequence IS 'retention: as long as the aggregate';

CREATE TABLE outbox (
    outbox_id bigint GENERATED ALWAYS AS IDENTITY,
    recorded_on date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    partition_key uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    division_codes text[] NOT NULL,
    traceparent text,
    data text NOT NULL CHECK (octet_length(data) <= 65536),
    published_position bigint,
    published_at timestamptz,
    PRIMARY KEY (recorded_on, outbox_id),
    CONSTRAINT ck_outbox_published CHECK ((published_position IS NULL) = (published_at IS NULL))
) PARTITION BY RANGE (recorded_on);
COMMENT ON TABLE outbox IS 'retention: 35 days, by daily partitions';
CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT;
COMMENT ON TABLE outbox_rest IS 'retention: empty unless partitions were not made ahead';
CREATE INDEX ix_outbox_unpublished ON outbox (outbox_id) WHERE published_position IS NULL;
CREATE INDEX ix_outbox_published ON outbox (published_position) WHERE published_position IS NOT NULL;

-- One row: the last position given in publication order, and the epoch in CloudEvents `source`
-- (raised after a restore to the past, so that re-made events are new events).
CREATE TABLE relay_state (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    last_position bigint NOT NULL DEFAULT 0,
    first_position_kept bigint NOT NULL DEFAULT 1,
    epoch integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE relay_state IS 'retention: as long as the service';
INSERT INTO relay_state DEFAULT VALUES;

-- Partitions from yesterday to a week ahead; old ones go when everything in them was published.
-- SECURITY DEFINER because the application role owns nothing.
CREATE FUNCTION maintain_outbox_partitions(days_kept integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day date;
    part record;
    unpublished bigint;
    kept_from bigint;
    dropped integer := 0;
BEGIN
    FOR day IN SELECT generate_series(today - 1, today + 7, interval '1 day')::date LOOP
        -- Rows that already fell into the rest would make the new partition an error, every day again.
        CONTINUE WHEN EXISTS (SELECT FROM outbox_rest WHERE recorded_on = day);
        IF to_regclass('outbox_' || to_char(day, 'YYYYMMDD')) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)',
                           'outbox_' || to_char(day, 'YYYYMMDD'), day, day + 1);
            EXECUTE format('COMMENT ON TABLE %I IS %L', 'outbox_' || to_char(day, 'YYYYMMDD'),
                           'retention: 35 days, by daily partitions');
        END IF;
    END LOOP;
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'outbox'::regclass AND c.relname ~ '^outbox_\d{8}$'
          AND to_date(substr(c.relname, 8), 'YYYYMMDD') < today - days_kept
    LOOP
        EXECUTE format('SELECT count(*) FILTER (WHERE published_position IS NULL), max(published_position) FROM %I',
                       part.relname) INTO unpublished, kept_from;
        CONTINUE WHEN unpublished > 0;
        UPDATE relay_state SET first_position_kept = greatest(first_position_kept, coalesce(kept_from + 1, 0));
        EXECUTE format('DROP TABLE %I', part.relname);
        dropped := dropped + 1;
    END LOOP;
    WITH gone AS (
        DELETE FROM outbox_rest WHERE recorded_on < today - days_kept AND published_position IS NOT NULL
        RETURNING published_position
    ) UPDATE relay_state SET first_position_kept = greatest(first_position_kept, (SELECT max(published_position) + 1 FROM gone));
    RETURN dropped;
END $$;

CREATE TABLE inbox_position (
    producer text NOT NULL,
    partition_key uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence >= 0),
    PRIMARY KEY (producer, partition_key)
);
COMMENT ON TABLE inbox_position IS 'retention: as long as the mirror';

CREATE TABLE inbox_held (
    producer text NOT NULL,
    partition_key uuid NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    source text NOT NULL,
    event_time timestamptz NOT NULL,
    traceparent text,
    data text NOT NULL,
    held_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (producer, partition_key, sequence)
);
COMMENT ON TABLE inbox_held IS 'retention: until the gap closes';

CREATE TABLE inbox_dead (
    producer text NOT NULL,
    partition_key uuid NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    source text NOT NULL,
    event_time timestamptz NOT NULL,
    traceparent text,
    data text NOT NULL,
    tries integer NOT NULL,
    error text NOT NULL,
    died_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (producer, partition_key, sequence)
);
COMMENT ON TABLE inbox_dead IS 'retention: until replayed';

CREATE TABLE history (
    resource text NOT NULL,
    resource_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    person_id uuid,
    client_id text NOT NULL,
    actor text,
    request_id text NOT NULL,
    changed text[] NOT NULL,
    snapshot bytea NOT NULL,
    PRIMARY KEY (resource, resource_id, version)
);
COMMENT ON TABLE history IS 'retention: as long as the resource';

CREATE TABLE audit_line (
    audit_id uuid PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    person_id uuid,
    line text NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32)
);
COMMENT ON TABLE audit_line IS 'retention: 3 years (privacy.md V-33, V-45)';
CREATE INDEX ix_audit_line_person ON audit_line (person_id, recorded_at) WHERE person_id IS NOT NULL;

CREATE TABLE idempotency_key (
    client_id text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, operation, key)
);
COMMENT ON TABLE idempotency_key IS 'retention: 72 hours';
CREATE INDEX ix_idempotency_key_recorded_at ON idempotency_key (recorded_at);

-- Lock, then look. A volatile PL/pgSQL function takes a new snapshot per statement, so the answer of a request that
-- committed while we took the lock is seen; one plain SQL statement would miss it and run the command twice.
CREATE FUNCTION claim_idempotency_key(client text, op text, given text)
RETURNS TABLE (claimed boolean, fingerprint bytea, status integer, headers jsonb, body bytea)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(client || chr(31) || op || chr(31) || given, 0)) THEN
        RETURN QUERY SELECT false, NULL::bytea, NULL::integer, NULL::jsonb, NULL::bytea;
        RETURN;
    END IF;
    RETURN QUERY SELECT true, k.fingerprint, k.status, k.headers, k.body FROM idempotency_key k
        WHERE k.client_id = client AND k.operation = op AND k.key = given
          AND k.recorded_at > now() - interval '72 hours';
    IF NOT FOUND THEN
        RETURN QUERY SELECT true, NULL::bytea, NULL::integer, NULL::jsonb, NULL::bytea;
    END IF;
END $$;

CREATE TABLE rate_window (
    client_id text NOT NULL,
    operation text NOT NULL,
    window_start timestamptz NOT NULL,
    uses integer NOT NULL,
    PRIMARY KEY (client_id, operation)
);
COMMENT ON TABLE rate_window IS 'retention: one window';

CREATE TABLE job_run (
    job text NOT NULL,
    law_date date NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job, law_date)
);
COMMENT ON TABLE job_run IS 'retention: one year';

-- The sandbox's law clock survives a restart, or data would lie in the future of their own law.
CREATE TABLE sandbox_clock (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    offset_seconds double precision NOT NULL
);
COMMENT ON TABLE sandbox_clock IS 'retention: as long as the sandbox';

SELECT maintain_outbox_partitions(35);
