"""What holds of a human holds under every id of it: restriction, and whose a document is. Visits' conflicts go with the visits.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_RESTRICTION = """
-- Looked up beyond the rows of who asks: an employer's division knows neither the restriction nor the merge.
CREATE FUNCTION is_human_restricted(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    is_restricted boolean := EXISTS (SELECT FROM person_restriction r
        WHERE r.person_id = ANY (ids_of_human(of_person)) AND r.lifted_on IS NULL);
BEGIN
    PERFORM narrow_row_context(asked_as);
    RETURN is_restricted;
END $$;

ALTER POLICY unrestricted_only ON field_visit USING (row_is_service() OR NOT is_human_restricted(person_id));
ALTER POLICY unrestricted_only ON employment USING (row_is_service() OR NOT is_human_restricted(person_id));
ALTER POLICY clients_see ON stay USING (
    is_in_row_division(division_code) AND (
        ended_at IS NULL
        OR CAST(ended_at AT TIME ZONE 'Asia/Shanghai' AS date) > row_seen_since() AND NOT is_human_restricted(person_id)));

-- Since when, for who is told: the restriction names one id of the human, and the question may name another.
CREATE FUNCTION restricted_on(of_person uuid) RETURNS date LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    ids uuid[] := ids_of_human(of_person);
BEGIN
    PERFORM narrow_row_context(asked_as);
    RETURN (SELECT max(r.restricted_on) FROM person_restriction r WHERE r.person_id = ANY (ids) AND r.lifted_on IS NULL);
END $$;
"""

# Of revision 0020, for every id of the human.
_WHO_KNEW = """
    SELECT d.division_code FROM person_division d WHERE d.person_id = ANY (ids_of_human({person}))
        AND (d.until IS NULL OR d.until > CAST({day} - interval '24 months' AS date))
    UNION SELECT s.division_code FROM stay s WHERE s.person_id = ANY (ids_of_human({person}))
    UNION SELECT v.division_code FROM field_visit v WHERE v.person_id = ANY (ids_of_human({person}))
    UNION SELECT e.division_code FROM employment e WHERE e.person_id = ANY (ids_of_human({person}))
"""
_RESTRICT = f"""
CREATE OR REPLACE FUNCTION restrict_person(of_request uuid, on_day date) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    restricted uuid;
BEGIN
    SELECT r.person_id INTO restricted FROM rights_request r
        WHERE r.rights_request_id = of_request AND r.kind = 'restriction' AND EXISTS (
            SELECT FROM person_division d WHERE d.person_id = r.person_id);
    IF restricted IS NULL THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    INSERT INTO person_restriction (rights_request_id, person_id, restricted_on, division_codes)
    SELECT of_request, restricted, on_day, ARRAY({_WHO_KNEW.format(person="restricted", day="on_day")});
    UPDATE person_division SET is_restricted = true WHERE person_id = ANY (ids_of_human(restricted));
    PERFORM narrow_row_context(asked_as);
    RETURN true;
END $$;

UPDATE person_restriction r SET division_codes =
    ARRAY(SELECT unnest(r.division_codes) UNION {_WHO_KNEW.format(person="r.person_id", day="r.restricted_on")})
WHERE r.lifted_on IS NULL;
"""

# A conflict tells of its visit, and is seen with it: as long, and not of somebody restricted.
_CONFLICTS = """
ALTER POLICY clients_see ON field_visit_conflict USING (is_in_row_division(division_code) AND EXISTS (
    SELECT FROM field_visit v WHERE v.visit_id = field_visit_conflict.visit_id OFFSET 0));
"""

# Of revision 0006: the owner is the canonical person, the only one under whose id anybody goes on.
_CLAIM = """
CREATE OR REPLACE FUNCTION claim_documents(indexes bytea[]) RETURNS TABLE (number_index bytea, person_id uuid)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    one bytea;
    asked_as text := widen_row_context();
    taken bytea[];
    owners uuid[];
BEGIN
    FOR one IN SELECT u.i FROM unnest(indexes) AS u (i) ORDER BY u.i LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended(encode(one, 'hex'), 1));
    END LOOP;
    SELECT array_agg(d.number_index), array_agg(canonical_id(d.person_id)) INTO taken, owners FROM identity_document d
        WHERE d.number_index = ANY (indexes) AND d.superseded_at IS NULL;
    PERFORM narrow_row_context(asked_as);
    RETURN QUERY SELECT t.number_index, p.person_id FROM unnest(taken, owners) AS t (number_index, owner)
        LEFT JOIN person p ON p.person_id = t.owner;
END $$;
"""


def upgrade() -> None:
    for script in (_RESTRICTION, _RESTRICT, _CONFLICTS, _CLAIM):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what is restricted stays unseen")
