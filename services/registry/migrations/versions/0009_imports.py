"""Long work and the bulk door: operations; persons and registrations entered many at a time.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_HOLDS = """
-- As in 0006, for a whole statement at once: what a registration holds is the same, whether one or a thousand come in. By index,
-- whatever the tables' sizes were when the plan was made.
CREATE FUNCTION hold_by_registrations() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    asked_as text := widen_row_context();
    today date := coalesce(row_law_date(), CAST(now() AT TIME ZONE 'Asia/Shanghai' AS date));
BEGIN
    UPDATE person_division d SET until = greatest(d.since, today) FROM entered e
    WHERE e.status = 'current' AND d.person_id = e.person_id AND d.until IS NULL AND d.source <> 'residence_permit';
    INSERT INTO person_division (person_division_id, person_id, division_code, source, since)
    SELECT uuidv7(), e.person_id, e.division_code, 'residence_registration', today FROM entered e WHERE e.status = 'current';
    PERFORM narrow_row_context(asked_as);
    RETURN NULL;
END $$;
DROP TRIGGER hold ON residence_registration;
CREATE TRIGGER hold AFTER INSERT ON residence_registration REFERENCING NEW TABLE AS entered
    FOR EACH STATEMENT EXECUTE FUNCTION hold_by_registrations();
"""

_DOORS = """
-- New residents of a roster: each with one document and a registration, in the division of who brings it. What the policies ask of
-- each row one by one is asked here of all of them: every division is the client's own, nobody is anybody's yet (the keys say so).
CREATE FUNCTION enter_residents(
    division text, on_day date, at timestamptz,
    person_ids uuid[], sealed_persons bytea[], name_indexes bytea[], birth_dates date[], sex_codes text[],
    ethnicity_codes text[], education_codes text[], hukou_codes text[], warnings text[],
    document_ids uuid[], document_types text[], number_indexes bytea[], sealed_documents bytea[],
    registration_ids uuid[], division_codes text[], sealed_registrations bytea[], residence_kinds text[], reporters text[],
    starts date[], expected_ends date[], are_late boolean[]
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
BEGIN
    IF row_division() IS NULL OR on_day IS DISTINCT FROM row_law_date()
        OR EXISTS (SELECT FROM unnest(division_codes || division) AS d (code) WHERE is_in_row_division(d.code) IS NOT TRUE)
    THEN
        RAISE EXCEPTION 'not this client''s to enter' USING ERRCODE = 'insufficient_privilege';
    END IF;
    asked_as := widen_row_context();
    INSERT INTO person (person_id, sealed, name_index, birth_date, sex_code, ethnicity_code, education_code,
        hukou_division_code, no_document_reason, warnings, version, created_at, updated_at)
    SELECT g.person_id, g.sealed, g.name_index, g.birth_date, g.sex_code, g.ethnicity_code, g.education_code,
        g.hukou_code, NULL, CAST(g.warnings AS jsonb), 1, at, at
    FROM unnest(person_ids, sealed_persons, name_indexes, birth_dates, sex_codes, ethnicity_codes, education_codes, hukou_codes,
        warnings) AS g (person_id, sealed, name_index, birth_date, sex_code, ethnicity_code, education_code, hukou_code, warnings);
    INSERT INTO person_division (person_division_id, person_id, division_code, source, since, until)
    SELECT g.person_id, g.person_id, division, 'intake', on_day, on_day FROM unnest(person_ids) AS g (person_id);
    INSERT INTO identity_document (document_id, person_id, type, number_index, sealed, recorded_at)
    SELECT g.document_id, g.person_id, g.type, g.number_index, g.sealed, at
    FROM unnest(document_ids, person_ids, document_types, number_indexes, sealed_documents)
        AS g (document_id, person_id, type, number_index, sealed);
    INSERT INTO residence_registration (registration_id, person_id, status, division_code, sealed, residence_kind, reported_by,
        registered_on, started_on, expected_end_on, residence_since, reported_late, version, created_at, updated_at)
    SELECT g.registration_id, g.person_id, 'current', g.division_code, g.sealed, g.residence_kind, g.reported_by,
        on_day, g.started_on, g.expected_end_on, on_day, g.is_late, 1, at, at
    FROM unnest(registration_ids, person_ids, division_codes, sealed_registrations, residence_kinds, reporters, starts,
        expected_ends, are_late)
        AS g (registration_id, person_id, division_code, sealed, residence_kind, reported_by, started_on, expected_end_on, is_late);
    PERFORM narrow_row_context(asked_as);
END $$;

-- As `divisions_seeing`, for each of several persons.
CREATE FUNCTION divisions_seeing_each(persons uuid[], seen_since date) RETURNS TABLE (person_id uuid, division_codes text[])
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY SELECT d.person_id, array_agg(DISTINCT d.division_code) FROM person_division d
        WHERE d.person_id = ANY (persons) AND (d.until IS NULL OR d.until > seen_since) GROUP BY d.person_id;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """Operations, then the doors."""
    ground.apply(op, 8)
    for script in (_HOLDS, _DOORS):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what was entered in bulk stays")
