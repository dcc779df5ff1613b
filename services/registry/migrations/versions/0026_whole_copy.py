"""The copy of a person is that of the human, with remembered versions; and who was given the data (V-17, V-18).

Revision ID: 0026
Revises: 0025
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_COPY = r"""
-- As in 0016, under every id of the human.
CREATE OR REPLACE FUNCTION copy_of_person(of_person uuid) RETURNS TABLE (source text, content jsonb) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text;
    ids uuid[];
    each record;
BEGIN
    IF NOT EXISTS (SELECT FROM person_division d WHERE d.person_id = of_person) THEN
        RETURN;
    END IF;
    asked_as := widen_row_context();
    ids := ids_of_human(of_person);
    FOR each IN
        SELECT c.relname AS name, string_agg(format('t.%I = ANY ($1)', a.attname), ' OR ' ORDER BY a.attnum) AS whose
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
            AND NOT c.relispartition AND a.attname IN ('person_id', 'related_person_id')
            AND c.relname NOT IN ('person_key', 'history', 'person_resolution')
        GROUP BY c.relname ORDER BY c.relname
    LOOP
        RETURN QUERY EXECUTE format('SELECT %L::text, to_jsonb(t) FROM %I t WHERE %s', each.name, each.name, each.whose)
            USING ids;
    END LOOP;
    PERFORM narrow_row_context(asked_as);
END $$;

-- What was remembered about the human, sealed as it lies: a thing's versions are found by its own id, since `history` has no index
-- for persons, which every act would pay for.
CREATE FUNCTION remembered_of_person(of_person uuid) RETURNS SETOF history LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
    ids uuid[];
    each record;
BEGIN
    IF NOT EXISTS (SELECT FROM person_division d WHERE d.person_id = of_person) THEN
        RETURN;
    END IF;
    asked_as := widen_row_context();
    ids := ids_of_human(of_person);
    FOR each IN
        SELECT c.relname AS name, k.attname AS own_id,
            string_agg(format('t.%I = ANY ($1)', a.attname), ' OR ' ORDER BY a.attnum) AS whose
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnatts = 1
            JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = i.indkey[0] AND k.atttypid = 'uuid'::regtype
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p'
            AND NOT c.relispartition AND a.attname IN ('person_id', 'related_person_id')
            AND c.relname NOT IN ('person_key', 'audit_line')
        GROUP BY c.relname, k.attname
    LOOP
        RETURN QUERY EXECUTE format('SELECT h.* FROM %I t JOIN history h ON h.resource = %L AND h.resource_id = t.%I WHERE %s',
            each.name, each.name, each.own_id, each.whose) USING ids;
    END LOOP;
    PERFORM narrow_row_context(asked_as);
END $$;
"""

_RECIPIENTS = """
-- Who was shown what of the human a request is about, by the evidence; for the office that answers, also after a deletion.
CREATE FUNCTION recipients_of_request(of_request uuid) RETURNS TABLE (
    organisation text, client text, division text, first_at timestamptz, last_at timestamptz, fields text[]
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
    ids uuid[];
BEGIN
    SELECT ids_of_human(r.person_id) INTO ids FROM rights_request r WHERE r.rights_request_id = of_request;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    asked_as := widen_row_context();
    RETURN QUERY
        SELECT s.line->>'organisation', s.line->>'client', s.line->>'division', min(s.recorded_at), max(s.recorded_at),
            array_agg(DISTINCT f.name ORDER BY f.name)
        FROM (SELECT CAST(a.line AS jsonb) AS line, a.recorded_at FROM audit_line a WHERE a.person_id = ANY (ids)) s,
            jsonb_array_elements_text(s.line->'fields') AS f (name)
        WHERE s.line->>'operation' = 'read'
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
    PERFORM narrow_row_context(asked_as);
END $$;

-- The divisions that follow the human's events, or followed the event of the deletion.
CREATE FUNCTION divisions_told_of_request(of_request uuid, seen_since date) RETURNS TABLE (division_code text)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text;
    ids uuid[];
BEGIN
    SELECT ids_of_human(r.person_id) INTO ids FROM rights_request r WHERE r.rights_request_id = of_request;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    asked_as := widen_row_context();
    RETURN QUERY
        SELECT d.division_code FROM person_division d
        WHERE d.person_id = ANY (ids) AND (d.until IS NULL OR d.until > seen_since) AND NOT d.is_restricted
        UNION SELECT unnest(p.division_codes) FROM deleted_person p WHERE p.person_id = ANY (ids);
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    for script in (_COPY, _RECIPIENTS):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("a copy that leaves something out is none")
