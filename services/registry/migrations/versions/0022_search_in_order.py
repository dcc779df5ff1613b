"""Searching in the order of ids, by employer too: the hits of a frequent name are read page by page, not sorted all together.

Whoever works for a large employer is looked at by the policy of employments, so whether somebody is restricted is written down.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_KEYS = ("name_prefix_2", "name_prefix_3", "pinyin", "initials")
_INDEXES = "\n".join(
    f"DROP INDEX ix_person_search_key_{key};CREATE INDEX ix_person_search_key_{key} ON person_search_key ({key}, person_id);"
    for key in _KEYS
)
_OTHERS = """
DROP INDEX ix_person_name_index;
CREATE INDEX ix_person_name_index ON person (name_index, person_id);
CREATE INDEX ix_employment_current ON employment (employer_id, person_id) WHERE ended_on IS NULL;
"""
_EMPLOYER = """
-- Whoever has an employer's complete code may ask who works there, of those it sees, wherever the employer lies.
CREATE FUNCTION employer_id_of_code(code text) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    found uuid := (SELECT employer_id FROM employer WHERE credit_code = code);
BEGIN
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;
"""

_RESTRICTION = """
-- Every id of whoever is restricted, so that policies need not know of merges, and need one look.
CREATE TABLE restricted_id (
    person_id uuid NOT NULL,
    CONSTRAINT pk_restricted_id PRIMARY KEY (person_id),
    CONSTRAINT fk_restricted_id_person_id FOREIGN KEY (person_id) REFERENCES person (person_id) ON DELETE CASCADE
);
COMMENT ON TABLE restricted_id IS 'retention: person';
SELECT protect_rows('restricted_id');
CREATE POLICY policies_look ON restricted_id FOR SELECT USING (row_has_context());

-- Worked out anew whenever a restriction or a merge changes, while the rows of all ids are locked.
CREATE FUNCTION share_restriction() RETURNS trigger LANGUAGE plpgsql AS $$
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
    END LOOP;
    PERFORM narrow_row_context(asked_as);
    RETURN NULL;
END $$;
CREATE TRIGGER share_restriction AFTER INSERT OR UPDATE ON person_restriction
    FOR EACH ROW EXECUTE FUNCTION share_restriction();
CREATE TRIGGER share_restriction AFTER INSERT OR UPDATE ON person_alias FOR EACH ROW EXECUTE FUNCTION share_restriction();

INSERT INTO restricted_id SELECT p.person_id FROM person p WHERE p.person_id IN (
    SELECT unnest(ids_of_human(r.person_id)) FROM person_restriction r WHERE r.lifted_on IS NULL);

ALTER POLICY unrestricted_only ON field_visit USING (row_is_service() OR NOT EXISTS (
    SELECT FROM restricted_id r WHERE r.person_id = field_visit.person_id OFFSET 0));
ALTER POLICY unrestricted_only ON employment USING (row_is_service() OR NOT EXISTS (
    SELECT FROM restricted_id r WHERE r.person_id = employment.person_id OFFSET 0));
ALTER POLICY clients_see ON stay USING (
    is_in_row_division(division_code) AND (
        ended_at IS NULL
        OR CAST(ended_at AT TIME ZONE 'Asia/Shanghai' AS date) > row_seen_since() AND NOT EXISTS (
            SELECT FROM restricted_id r WHERE r.person_id = stay.person_id OFFSET 0)));
DROP FUNCTION is_human_restricted;
"""


def upgrade() -> None:
    for script in (_INDEXES, _OTHERS, _EMPLOYER, _RESTRICTION):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what is restricted stays unseen")
