"""Whose procedure goes on although nobody sees the person: somebody restricted asks again and is given a copy (V-17, V-20). And
holds that a merge had restricted are seen again once their own human is restricted no more.

Revision ID: 0032
Revises: 0031
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_SUBJECT = """
-- The ids of the human that the act under way is about, where the act says so by one of the doors below.
CREATE FUNCTION row_subject() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN CAST(nullif(current_setting('xinshimin.subject', true), '') AS uuid[]);

ALTER POLICY clients_see ON person_division USING (
    is_in_row_division(division_code)
    AND ((until IS NULL OR until > row_seen_since()) AND NOT is_restricted OR person_id = ANY (row_subject())));

-- For the rest of this transaction whoever is told of a restriction sees the human by its own division's holds: for the human's
-- own requests, which a restriction does not end. Whether there is a restriction it knows of.
CREATE FUNCTION look_at_restricted(of_person uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    ids uuid[];
BEGIN
    IF restricted_on(of_person) IS NULL THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    ids := ids_of_human(of_person);
    PERFORM narrow_row_context(asked_as);
    PERFORM set_config('xinshimin.subject', CAST(ids AS text), true);
    RETURN true;
END $$;
"""

_PARTED = """
-- As in 0022. Two ids may each have been restricted before they were merged, and parted when one of the two was lifted: the holds of
-- a human without a restriction in force are restricted no more. New ones are never restricted by this.
CREATE OR REPLACE FUNCTION share_restriction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text;
    humans uuid[] := ARRAY[NEW.person_id];
    human uuid;
    ids uuid[];
BEGIN
    IF NOT row_has_context() THEN
        RETURN NULL; -- a maintainer's own hand
    END IF;
    IF TG_TABLE_NAME = 'person_alias' THEN
        humans := humans || NEW.canonical_person_id;
    END IF;
    asked_as := widen_row_context();
    FOREACH human IN ARRAY humans LOOP
        ids := ids_of_human(human);
        DELETE FROM restricted_id WHERE person_id = ANY (ids);
        INSERT INTO restricted_id SELECT p.person_id FROM person p WHERE p.person_id = ANY (ids) AND EXISTS (
            SELECT FROM person_restriction r WHERE r.person_id = ANY (ids) AND r.lifted_on IS NULL);
        UPDATE person_division SET is_restricted = false WHERE person_id = ANY (ids) AND is_restricted AND NOT EXISTS (
            SELECT FROM person_restriction r WHERE r.person_id = ANY (ids) AND r.lifted_on IS NULL);
    END LOOP;
    PERFORM narrow_row_context(asked_as);
    RETURN NULL;
END $$;

UPDATE person_division d SET is_restricted = false WHERE is_restricted AND NOT EXISTS (
    SELECT FROM person_restriction r WHERE r.person_id = ANY (ids_of_human(d.person_id)) AND r.lifted_on IS NULL);
"""


def upgrade() -> None:
    for script in (_SUBJECT, _PARTED):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what is restricted stays unseen")
