-- Row-level security (architecture §6, decision 0013): enabled and forced on every table; without a row context no row.
-- A new table: SELECT protect_rows('its_name'), then a policy for clients if clients shall see or write it.

-- What the context says (chassis/rows.py). A setting that was local to an earlier transaction reads as an empty string.
CREATE FUNCTION row_has_context() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(current_setting('xinshimin.kind', true), '') <> '';
CREATE FUNCTION row_is_service() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(current_setting('xinshimin.kind', true), '') = 'service';
CREATE FUNCTION row_client() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('xinshimin.client', true), '');
CREATE FUNCTION row_division() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('xinshimin.division', true), '');
CREATE FUNCTION row_law_date() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
RETURN CAST(nullif(current_setting('xinshimin.law_date', true), '') AS date);

-- Whether a division is the client's own or lies below it: codes of descendants begin with the same digits.
CREATE FUNCTION is_in_row_division(division_code text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN starts_with(division_code, row_division());

-- Some acts of a client reach beyond its own rows: who owns a document, which town held a person until today. Each is a PL/pgSQL
-- function that says in one place what it may do there, and begins and ends with these two; the catalogue test lists them.
CREATE FUNCTION widen_row_context() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    kind text := nullif(current_setting('xinshimin.kind', true), '');
BEGIN
    IF kind IS NULL THEN
        RAISE EXCEPTION 'there is no row context' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM set_config('xinshimin.kind', 'service', true);
    RETURN kind;
END $$;
CREATE FUNCTION narrow_row_context(kind text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('xinshimin.kind', kind, true);
END $$;

-- Row-level security on, for the owner too, and everything for the service itself. Policies for clients are added to it.
CREATE FUNCTION protect_rows(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY of_the_service ON %s USING (row_is_service()) WITH CHECK (row_is_service())', target);
END $$;

SELECT protect_rows(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND (
    c.relname IN ('event_sequence', 'outbox', 'relay_state', 'inbox_position', 'inbox_held', 'inbox_dead', 'history', 'audit_line',
                  'idempotency_key', 'rate_window', 'job_run', 'sandbox_clock', 'person_key', 'audit_seal', 'audit_checkpoint', 'audit_copy', 'data_key',
                  'key_reader', 'proposal')
    OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'outbox'::regclass)
);

-- Every act leaves an event, a version and evidence. None of it is for clients to read here, but the events of their divisions.
CREATE POLICY acts_read ON event_sequence FOR SELECT USING (row_has_context());
CREATE POLICY acts_count ON event_sequence FOR INSERT WITH CHECK (row_has_context());
CREATE POLICY acts_count_on ON event_sequence FOR UPDATE USING (row_has_context());
CREATE POLICY acts_publish ON outbox FOR INSERT WITH CHECK (row_has_context() AND published_position IS NULL);
CREATE POLICY followers_read ON outbox FOR SELECT
    USING (EXISTS (SELECT FROM unnest(division_codes) AS d (division_code) WHERE is_in_row_division(d.division_code)));
CREATE POLICY followers_read ON relay_state FOR SELECT USING (row_has_context());
CREATE POLICY acts_remember ON history FOR INSERT WITH CHECK (row_has_context());
-- Wrapped by a key the database does not have; whose snapshots they open, the policies of `history` say.
CREATE POLICY acts_read ON person_key FOR SELECT USING (row_has_context());
CREATE POLICY acts_make ON person_key FOR INSERT WITH CHECK (row_has_context());
CREATE POLICY acts_testify ON audit_line FOR INSERT WITH CHECK (row_has_context());

-- What an officer of a division proposed is that division's to see and decide.
CREATE POLICY clients_see ON proposal FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_propose ON proposal FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_decide ON proposal FOR UPDATE USING (is_in_row_division(division_code));

CREATE POLICY clients_find ON idempotency_key FOR SELECT USING (client_id = row_client());
CREATE POLICY clients_store ON idempotency_key FOR INSERT WITH CHECK (client_id = row_client());
CREATE POLICY clients_store_again ON idempotency_key FOR UPDATE USING (client_id = row_client());
CREATE POLICY clients_find ON rate_window FOR SELECT USING (client_id = row_client());
CREATE POLICY clients_count ON rate_window FOR INSERT WITH CHECK (client_id = row_client());
CREATE POLICY clients_count_on ON rate_window FOR UPDATE USING (client_id = row_client());

-- As in 0001, with two differences: without the service's context it would see no unpublished row and drop it with its partition,
-- so it refuses; and a partition is protected like the table, or whoever names it directly would pass by the policies.
CREATE OR REPLACE FUNCTION maintain_outbox_partitions(days_kept integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day date;
    part record;
    name text;
    unpublished bigint;
    kept_from bigint;
    dropped integer := 0;
BEGIN
    IF NOT row_is_service() THEN
        RAISE EXCEPTION 'partitions are maintained by the service' USING ERRCODE = 'insufficient_privilege';
    END IF;
    FOR day IN SELECT generate_series(today - 1, today + 7, interval '1 day')::date LOOP
        -- Rows that already fell into the rest would make the new partition an error, every day again.
        CONTINUE WHEN EXISTS (SELECT FROM outbox_rest WHERE recorded_on = day);
        name := 'outbox_' || to_char(day, 'YYYYMMDD');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)', name, day, day + 1);
            EXECUTE format('COMMENT ON TABLE %I IS %L', name, obj_description('outbox'::regclass));
            PERFORM protect_rows(name::regclass);
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

-- Retention classes (chassis/retention.py): the word after the colon is one of a closed list, the rest explains.
COMMENT ON TABLE event_sequence IS 'retention: aggregate; as long as events about the key may come';
COMMENT ON TABLE outbox IS 'retention: days-35; by daily partitions';
COMMENT ON TABLE outbox_rest IS 'retention: days-35; empty unless partitions were not made ahead';
COMMENT ON TABLE relay_state IS 'retention: service';
COMMENT ON TABLE inbox_position IS 'retention: mirror';
COMMENT ON TABLE inbox_held IS 'retention: settled; until the gap closes';
COMMENT ON TABLE inbox_dead IS 'retention: settled; until replayed';
COMMENT ON TABLE history IS 'retention: person; append-only, unreadable once the person''s key is destroyed';
COMMENT ON TABLE person_key IS 'retention: person; destroying the row is the erasure of the history';
COMMENT ON TABLE audit_line IS 'retention: years-3; append-only';
COMMENT ON TABLE audit_seal IS 'retention: years-3; append-only, as the audit line';
COMMENT ON TABLE audit_checkpoint IS 'retention: years-3; append-only, as the audit lines it covers; the newest one past it stays';
COMMENT ON TABLE audit_copy IS 'retention: service';
COMMENT ON TABLE data_key IS 'retention: service; a retired key still opens what a straggler sealed';
COMMENT ON TABLE key_reader IS 'retention: expiry; as long as the process, at most a day longer';
COMMENT ON TABLE idempotency_key IS 'retention: hours-72';
COMMENT ON TABLE rate_window IS 'retention: expiry; one window, a day at most';
COMMENT ON TABLE job_run IS 'retention: year-1';
COMMENT ON TABLE sandbox_clock IS 'retention: service; as long as the sandbox';
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent = 'outbox'::regclass AND inhrelid <> 'outbox_rest'::regclass
    LOOP
        EXECUTE format('COMMENT ON TABLE %s IS %L', part, obj_description('outbox'::regclass));
    END LOOP;
END $$;
