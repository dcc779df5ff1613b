"""New residents of a roster as rows of one type, and their keys for searching with them.

Revision ID: 0023
Revises: 0022
"""

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TYPE = """
CREATE TYPE new_resident AS (
    person_id uuid, sealed_person bytea, name_index bytea, birth_date date, sex_code text, ethnicity_code text,
    education_code text, hukou_code text, warnings text, document_id uuid, document_type text, number_index bytea,
    sealed_document bytea, registration_id uuid, division_code text, sealed_registration bytea, residence_kind text,
    reported_by text, started_on date, expected_end_on date, reported_late boolean, name_prefix_2 bigint, name_prefix_3 bigint,
    pinyin bigint, initials bigint, phone bigint, initials_and_birth bigint, name_and_home bigint);
"""

_DOOR = """
DROP FUNCTION enter_residents(text, date, timestamptz, uuid[], bytea[], bytea[], date[], text[], text[], text[], text[], text[],
    uuid[], text[], bytea[], bytea[], uuid[], text[], bytea[], text[], text[], date[], date[], boolean[]);

-- As in 0009: what the policies ask of each row one by one is asked here of all of them. Every division is the client's own,
-- nobody is anybody's yet (the keys say so), and the digests are of persons whom the client's division holds from here on.
CREATE FUNCTION enter_residents(division text, on_day date, at timestamptz, residents new_resident[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
BEGIN
    IF row_division() IS NULL OR on_day IS DISTINCT FROM row_law_date() OR is_in_row_division(division) IS NOT TRUE
        OR EXISTS (SELECT FROM (SELECT DISTINCT r.division_code FROM unnest(residents) r) d
            WHERE is_in_row_division(d.division_code) IS NOT TRUE)
    THEN
        RAISE EXCEPTION 'not this client''s to enter' USING ERRCODE = 'insufficient_privilege';
    END IF;
    asked_as := widen_row_context();
    INSERT INTO person (person_id, sealed, name_index, birth_date, sex_code, ethnicity_code, education_code,
        hukou_division_code, no_document_reason, warnings, version, created_at, updated_at)
    SELECT r.person_id, r.sealed_person, r.name_index, r.birth_date, r.sex_code, r.ethnicity_code, r.education_code,
        r.hukou_code, NULL, CAST(r.warnings AS jsonb), 1, at, at
    FROM unnest(residents) r;
    INSERT INTO person_division (person_division_id, person_id, division_code, source, since, until)
    SELECT r.person_id, r.person_id, division, 'intake', on_day, on_day FROM unnest(residents) r;
    INSERT INTO identity_document (document_id, person_id, type, number_index, sealed, recorded_at)
    SELECT r.document_id, r.person_id, r.document_type, r.number_index, r.sealed_document, at FROM unnest(residents) r;
    INSERT INTO residence_registration (registration_id, person_id, status, division_code, sealed, residence_kind, reported_by,
        registered_on, started_on, expected_end_on, residence_since, reported_late, version, created_at, updated_at)
    SELECT r.registration_id, r.person_id, 'current', r.division_code, r.sealed_registration, r.residence_kind, r.reported_by,
        on_day, r.started_on, r.expected_end_on, on_day, r.reported_late, 1, at, at
    FROM unnest(residents) r;
    INSERT INTO person_search_key (person_id, name_prefix_2, name_prefix_3, pinyin, initials, phone, initials_and_birth,
        name_and_home)
    SELECT r.person_id, r.name_prefix_2, r.name_prefix_3, r.pinyin, r.initials, r.phone, r.initials_and_birth, r.name_and_home
    FROM unnest(residents) r;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """The types of rows, then the door."""
    ground.apply(op, 9)
    for script in (_TYPE, _DOOR):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what was entered in bulk stays")
