"""Rights of the person: requests with their clocks, restriction, a copy of everything held.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE rights_request (
    rights_request_id uuid NOT NULL,
    person_id uuid NOT NULL,
    kind text NOT NULL,
    requester text NOT NULL,
    requester_person_id uuid,
    division_code text NOT NULL,
    status text NOT NULL,
    received_on date NOT NULL,
    due_on date NOT NULL,
    is_due_provisional boolean NOT NULL,
    verified_on date,
    decided_on date,
    outcome text,
    reasons jsonb NOT NULL,
    done_on date,
    lifted_on date,
    copy_sha256 text,
    person_version integer NOT NULL,
    sealed bytea,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_rights_request PRIMARY KEY (rights_request_id),
    CONSTRAINT ck_rights_request_kind CHECK (kind IN ('access_copy', 'correction', 'completion', 'restriction', 'objection',
        'deletion', 'explanation', 'information')),
    CONSTRAINT ck_rights_request_requester CHECK (requester IN ('self', 'guardian', 'relative_of_deceased')),
    CONSTRAINT ck_rights_request_status CHECK (status IN ('received', 'verified', 'decided', 'done', 'withdrawn')),
    CONSTRAINT ck_rights_request_outcome CHECK (outcome IN ('granted', 'partly', 'refused')),
    CONSTRAINT ck_rights_request_decided CHECK ((outcome IS NULL) = (decided_on IS NULL)),
    CONSTRAINT ck_rights_request_version CHECK (version > 0)
);
CREATE INDEX ix_rights_request_created_at ON rights_request (created_at, rights_request_id);
CREATE INDEX ix_rights_request_person_id ON rights_request (person_id);
CREATE INDEX ix_rights_request_due_on ON rights_request (due_on) WHERE status IN ('received', 'verified');
COMMENT ON TABLE rights_request IS 'retention: years-3; V-33; the wish goes with the person';

CREATE TABLE person_restriction (
    rights_request_id uuid NOT NULL,
    person_id uuid NOT NULL,
    restricted_on date NOT NULL,
    lifted_on date,
    division_codes text[] NOT NULL,
    CONSTRAINT pk_person_restriction PRIMARY KEY (rights_request_id)
);
CREATE INDEX ix_person_restriction_person_id ON person_restriction (person_id);
COMMENT ON TABLE person_restriction IS 'retention: years-3; V-33; ids only';

SELECT protect_rows('rights_request'), protect_rows('person_restriction');
-- The office that answers sees a request whatever becomes of the person, which it must have seen to take it in.
CREATE POLICY offices_see ON rights_request FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY offices_receive ON rights_request FOR INSERT WITH CHECK (
    is_in_row_division(division_code)
    AND EXISTS (SELECT FROM person_division d WHERE d.person_id = rights_request.person_id OFFSET 0));
CREATE POLICY offices_answer ON rights_request FOR UPDATE USING (is_in_row_division(division_code));
-- Also an office that let go of the person answers the person's request, and tells so.
ALTER POLICY offices_ask ON notice WITH CHECK (
    CASE WHEN person_id IS NULL THEN is_in_row_division(division_code)
    ELSE EXISTS (SELECT FROM person_division d WHERE d.person_id = notice.person_id OFFSET 0) END);
CREATE POLICY offices_see_rights_requests ON history FOR SELECT USING (
    resource = 'rights_request'
    AND EXISTS (SELECT FROM rights_request r WHERE r.rights_request_id = history.resource_id));
CREATE POLICY clients_see ON person_restriction FOR SELECT
    USING (EXISTS (SELECT FROM unnest(division_codes) AS d (division_code) WHERE is_in_row_division(d.division_code)));
"""

_RESTRICTION = """
-- A restricted hold shows nothing; every policy about a person asks for holds.
ALTER TABLE person_division ADD COLUMN is_restricted boolean NOT NULL DEFAULT false;
DROP INDEX ix_person_division_person_id;
CREATE INDEX ix_person_division_person_id ON person_division (person_id) INCLUDE (division_code, until, is_restricted);
ALTER POLICY clients_see ON person_division
    USING (is_in_row_division(division_code) AND (until IS NULL OR until > row_seen_since()) AND NOT is_restricted);
-- An ended registration is seen by the hold it left behind, which may be restricted.
ALTER POLICY clients_see ON residence_registration USING (
    is_in_row_division(division_code) AND (
        ended_on IS NULL
        OR EXISTS (SELECT FROM person_division d WHERE d.person_id = residence_registration.person_id OFFSET 0)));

-- A stay is seen by the home's division; one that is over, not of a guest who is restricted.
ALTER POLICY clients_see ON stay USING (
    is_in_row_division(division_code) AND (ended_at IS NULL OR ended_at > row_seen_since() AND NOT EXISTS (
        SELECT FROM person_restriction r WHERE r.person_id = stay.person_id AND r.lifted_on IS NULL OFFSET 0)));

-- As in 0011; a hold that is restricted is shared with no other id of the human.
CREATE OR REPLACE FUNCTION share_holds(of_person uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ids_of_human(of_person);
BEGIN
    DELETE FROM person_division WHERE person_id = ANY (ids) AND source = 'alias';
    IF cardinality(ids) > 1 THEN
        INSERT INTO person_division (person_division_id, person_id, division_code, source, since, until)
        SELECT gen_random_uuid(), i.id, d.division_code, 'alias', min(d.since),
            CASE WHEN bool_or(d.until IS NULL) THEN NULL ELSE max(d.until) END
        FROM unnest(ids) AS i (id) JOIN person_division d ON d.person_id = ANY (ids) AND d.person_id <> i.id
        WHERE NOT d.is_restricted
        GROUP BY i.id, d.division_code;
    END IF;
END $$;

-- Only who answers the request, and has the person in sight.
CREATE FUNCTION restrict_person(of_request uuid, on_day date) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    subject uuid;
BEGIN
    SELECT r.person_id INTO subject FROM rights_request r
        WHERE r.rights_request_id = of_request AND r.kind = 'restriction' AND EXISTS (
            SELECT FROM person_division d WHERE d.person_id = r.person_id);
    IF subject IS NULL THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    INSERT INTO person_restriction (rights_request_id, person_id, restricted_on, division_codes)
    SELECT of_request, subject, on_day, ARRAY(
        SELECT d.division_code FROM person_division d WHERE d.person_id = subject
            AND (d.until IS NULL OR d.until > CAST(on_day - interval '24 months' AS date))
        UNION SELECT s.division_code FROM stay s WHERE s.person_id = subject);
    UPDATE person_division SET is_restricted = true WHERE person_id = ANY (ids_of_human(subject));
    PERFORM narrow_row_context(asked_as);
    RETURN true;
END $$;

CREATE FUNCTION lift_restriction(of_request uuid, on_day date) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    subject uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM rights_request r WHERE r.rights_request_id = of_request) THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    UPDATE person_restriction SET lifted_on = on_day WHERE rights_request_id = of_request AND lifted_on IS NULL
        RETURNING person_id INTO subject;
    UPDATE person_division SET is_restricted = false WHERE person_id = ANY (ids_of_human(subject)) AND NOT EXISTS (
        SELECT FROM person_restriction p WHERE p.person_id = ANY (ids_of_human(subject)) AND p.lifted_on IS NULL);
    PERFORM narrow_row_context(asked_as);
    RETURN subject IS NOT NULL;
END $$;
"""

_COPY = r"""
-- Everything held about a person in sight, from every table that names persons, also those of later revisions. Left out: keys,
-- remembered versions (they are read at the things' own histories), and what is on its way.
CREATE FUNCTION copy_of_person(of_person uuid) RETURNS TABLE (source text, content jsonb) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text;
    each record;
BEGIN
    IF NOT EXISTS (SELECT FROM person_division d WHERE d.person_id = of_person) THEN
        RETURN;
    END IF;
    asked_as := widen_row_context();
    FOR each IN
        SELECT c.relname AS name, string_agg(format('t.%I = $1', a.attname), ' OR ' ORDER BY a.attnum) AS whose
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
            AND NOT c.relispartition AND a.attname IN ('person_id', 'related_person_id')
            AND c.relname NOT IN ('person_key', 'history', 'person_resolution')
        GROUP BY c.relname ORDER BY c.relname
    LOOP
        RETURN QUERY EXECUTE format('SELECT %L::text, to_jsonb(t) FROM %I t WHERE %s', each.name, each.name, each.whose)
            USING of_person;
    END LOOP;
    PERFORM narrow_row_context(asked_as);
END $$;

-- A deleted person's wishes are values; that they were answered is not.
CREATE FUNCTION forget_wishes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text := widen_row_context();
BEGIN
    UPDATE rights_request SET sealed = NULL, version = version + 1,
        status = CASE WHEN status = 'decided' AND kind = 'deletion' THEN 'done' ELSE status END,
        done_on = CASE WHEN status = 'decided' AND kind = 'deletion' THEN row_law_date() ELSE done_on END
    WHERE person_id = OLD.person_id;
    PERFORM narrow_row_context(asked_as);
    RETURN NULL;
END $$;
CREATE TRIGGER forget_wishes AFTER DELETE ON person FOR EACH ROW EXECUTE FUNCTION forget_wishes();
"""


def upgrade() -> None:
    for script in (_TABLES, _RESTRICTION, _COPY):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what was asked and answered stays known")
