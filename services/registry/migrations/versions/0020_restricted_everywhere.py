"""Of somebody restricted, nothing is seen that names the person: neither visits nor employments (V-20).

Both tables came to main beside the restriction of 0016 and did not know it.

Revision ID: 0020
Revises: 0019
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Every division that could see the person in any way knows of the restriction afterwards, and of nothing else.
_WHO_KNEW = """
    SELECT d.division_code FROM person_division d WHERE d.person_id = {person}
        AND (d.until IS NULL OR d.until > CAST({day} - interval '24 months' AS date))
    UNION SELECT s.division_code FROM stay s WHERE s.person_id = {person}
    UNION SELECT v.division_code FROM field_visit v WHERE v.person_id = {person}
    UNION SELECT e.division_code FROM employment e WHERE e.person_id = {person}
"""
_RESTRICT = f"""
-- As in 0016, told to more divisions.
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
_UNSEEN = """
CREATE POLICY unrestricted_only ON {table} AS RESTRICTIVE FOR SELECT USING (row_is_service() OR NOT EXISTS (
    SELECT FROM person_restriction r WHERE r.person_id = {table}.person_id AND r.lifted_on IS NULL OFFSET 0));
"""


def upgrade() -> None:
    execute_script(op, _RESTRICT)
    for table in ("field_visit", "employment"):
        execute_script(op, _UNSEEN.format(table=table))


def downgrade() -> None:
    raise RuntimeError("what is restricted stays unseen")
