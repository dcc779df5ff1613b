"""The review reaches what is no person and tells of one – landlords, homes, employers – and who was never registered; what is
evidence goes when its years are over (V-19, V-33, V-62).

Revision ID: 0037
Revises: 0036
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE retention_review ADD COLUMN subject_id uuid;
UPDATE retention_review SET subject_id = person_id;
ALTER TABLE retention_review ALTER COLUMN subject_id SET NOT NULL;
ALTER TABLE retention_review ALTER COLUMN person_id DROP NOT NULL;
ALTER TABLE retention_review DROP CONSTRAINT ck_retention_review_retention_class;
ALTER TABLE retention_review ADD CONSTRAINT ck_retention_review_retention_class
    CHECK (retention_class IN ('person', 'unregistered_person', 'landlord', 'premises', 'employer'));
ALTER TABLE retention_review ADD CONSTRAINT ck_retention_review_subject
    CHECK ((person_id IS NOT NULL) = (retention_class IN ('person', 'unregistered_person')));
DROP INDEX uq_retention_review_due;
CREATE UNIQUE INDEX uq_retention_review_due ON retention_review (retention_class, subject_id) WHERE status = 'due';
CREATE INDEX ix_retention_review_subject_id ON retention_review (subject_id);

ALTER TABLE landlord ADD COLUMN erased_on date;
ALTER TABLE premises ADD COLUMN erased_on date;
ALTER TABLE employer ADD COLUMN erased_on date;
CREATE INDEX ix_premises_ended ON premises (ended_on) WHERE ended_on IS NOT NULL AND erased_on IS NULL;
CREATE INDEX ix_employer_ended ON employer (ended_on) WHERE ended_on IS NOT NULL AND erased_on IS NULL;
CREATE INDEX ix_person_division_intake ON person_division (since, person_id) WHERE source = 'intake' AND until IS NULL;
CREATE INDEX ix_field_visit_nobody ON field_visit (visited_on) WHERE person_id IS NULL;
"""

_DOORS = """
-- Of a thing whose review is due and seen, after two officers: what its versions remember, and the papers that came with it. The row
-- is emptied by who decides. Letters are nothing without the landlord who signed them.
CREATE FUNCTION erase_remembered(review uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked_as text;
    due retention_review;
    letters uuid[];
BEGIN
    SELECT * INTO due FROM retention_review r WHERE r.review_id = review AND r.status = 'due';
    IF NOT FOUND OR due.retention_class NOT IN ('landlord', 'premises', 'employer') THEN
        RAISE EXCEPTION 'no thing in sight is due' USING ERRCODE = 'insufficient_privilege';
    END IF;
    asked_as := widen_row_context();
    letters := ARRAY(SELECT t.letter_id FROM responsibility_letter t
        WHERE due.retention_class = 'landlord' AND t.landlord_id = due.subject_id);
    DELETE FROM attachment_reference WHERE resource = 'responsibility_letter' AND resource_id = ANY (letters);
    DELETE FROM history WHERE resource = 'responsibility_letter' AND resource_id = ANY (letters);
    DELETE FROM responsibility_letter WHERE letter_id = ANY (letters);
    DELETE FROM history WHERE resource = due.retention_class AND resource_id = due.subject_id;
    PERFORM narrow_row_context(asked_as);
END $$;

-- Evidence whose years are over, with its versions; the service's own work. How many rows went.
CREATE FUNCTION forget_evidence(today date, months_kept integer, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ended_by date := CAST(today - make_interval(months => months_kept) AS date);
    gone uuid[] := '{}';
    batch uuid[];
BEGIN
    IF NOT row_is_service() THEN
        RAISE EXCEPTION 'not the service itself' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF months_kept IS NULL OR months_kept < 36 THEN
        RAISE EXCEPTION 'evidence is kept for three years at least';
    END IF;
    WITH old AS (DELETE FROM deleted_person WHERE person_id IN (
        SELECT person_id FROM deleted_person WHERE deleted_on <= ended_by LIMIT at_most) RETURNING person_id)
    SELECT array_agg(person_id) INTO batch FROM old;
    gone := gone || coalesce(batch, '{}');
    WITH old AS (DELETE FROM person_restriction WHERE rights_request_id IN (
        SELECT rights_request_id FROM person_restriction WHERE lifted_on <= ended_by LIMIT at_most) RETURNING rights_request_id)
    SELECT array_agg(rights_request_id) INTO batch FROM old;
    gone := gone || coalesce(batch, '{}');
    WITH old AS (DELETE FROM rights_request WHERE rights_request_id IN (
        SELECT r.rights_request_id FROM rights_request r
        WHERE r.status IN ('done', 'withdrawn', 'abandoned') AND greatest(r.received_on, r.decided_on, r.done_on, r.lifted_on) <= ended_by
            AND NOT EXISTS (SELECT FROM person_restriction p WHERE p.rights_request_id = r.rights_request_id)
        LIMIT at_most) RETURNING rights_request_id)
    SELECT array_agg(rights_request_id) INTO batch FROM old;
    gone := gone || coalesce(batch, '{}');
    WITH old AS (DELETE FROM coordinator_assignment WHERE assignment_id IN (
        SELECT assignment_id FROM coordinator_assignment WHERE valid_until <= ended_by LIMIT at_most) RETURNING assignment_id)
    SELECT array_agg(assignment_id) INTO batch FROM old;
    gone := gone || coalesce(batch, '{}');
    WITH old AS (DELETE FROM retention_review WHERE review_id IN (
        SELECT review_id FROM retention_review WHERE greatest(decided_on, keep_until) <= ended_by LIMIT at_most) RETURNING review_id)
    SELECT array_agg(review_id) INTO batch FROM old;
    gone := gone || coalesce(batch, '{}');
    WITH old AS (DELETE FROM notice WHERE notice_id IN (
        SELECT notice_id FROM notice WHERE person_id IS NULL AND requested_on <= ended_by LIMIT at_most) RETURNING notice_id)
    SELECT array_agg(notice_id) INTO batch FROM old;
    gone := gone || coalesce(batch, '{}');
    DELETE FROM history WHERE resource IN ('rights_request', 'coordinator_assignment', 'retention_review')
        AND resource_id = ANY (gone);
    RETURN cardinality(gone);
END $$;
"""


def upgrade() -> None:
    """What is due beside persons, and the two ways out."""
    for script in (_TABLES, _DOORS):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what was decided about keeping data stays known")
