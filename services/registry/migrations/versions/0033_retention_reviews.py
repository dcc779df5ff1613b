"""The yearly review of what is still kept of persons who left (V-19, V-68).

Revision ID: 0033
Revises: 0032
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE retention_review (
    review_id uuid NOT NULL,
    retention_class text NOT NULL,
    person_id uuid NOT NULL,
    division_code text NOT NULL,
    ended_on date NOT NULL,
    due_on date NOT NULL,
    status text NOT NULL,
    reason_code text,
    keep_until date,
    decided_on date,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_retention_review PRIMARY KEY (review_id),
    CONSTRAINT ck_retention_review_retention_class CHECK (retention_class IN ('person')),
    CONSTRAINT ck_retention_review_status CHECK (status IN ('due', 'kept', 'deleted', 'returned')),
    CONSTRAINT ck_retention_review_decided CHECK ((status = 'due') = (decided_on IS NULL)),
    CONSTRAINT ck_retention_review_kept CHECK ((status = 'kept') = (keep_until IS NOT NULL AND reason_code IS NOT NULL)),
    CONSTRAINT ck_retention_review_version CHECK (version > 0)
);
CREATE UNIQUE INDEX uq_retention_review_due ON retention_review (person_id) WHERE status = 'due';
CREATE INDEX ix_retention_review_person_id ON retention_review (person_id);
CREATE INDEX ix_retention_review_division ON retention_review (division_code text_pattern_ops, due_on, review_id);
COMMENT ON TABLE retention_review IS 'retention: years-3; V-33; ids only';
SELECT protect_rows('retention_review');
CREATE INDEX ix_person_division_until ON person_division (until, person_id) WHERE until IS NOT NULL;
"""

_POLICIES = """
-- The division that held the person last decides, and those above it; the register finds what is due.
CREATE POLICY divisions_see ON retention_review FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY divisions_decide ON retention_review FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY retention_sees ON history FOR SELECT USING (
    resource = 'retention_review'
    AND EXISTS (SELECT FROM retention_review r WHERE r.review_id = history.resource_id OFFSET 0));
"""

_DOORS = """
-- For the rest of this transaction whoever decides a review that is due sees the person by its own division's holds, over or
-- restricted as they may be. Whether there is such a review.
CREATE FUNCTION look_at_reviewed(review uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    reviewed uuid;
    ids uuid[];
BEGIN
    SELECT r.person_id INTO reviewed FROM retention_review r WHERE r.review_id = review AND r.status = 'due';
    IF reviewed IS NULL THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    ids := ids_of_human(reviewed);
    PERFORM narrow_row_context(asked_as);
    PERFORM set_config('xinshimin.subject', CAST(ids AS text), true);
    RETURN true;
END $$;

-- However a person is deleted, nothing of it is due any more.
CREATE FUNCTION close_reviews() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text := widen_row_context();
BEGIN
    UPDATE retention_review SET status = 'deleted', decided_on = row_law_date(), version = version + 1, updated_at = now()
        WHERE person_id = OLD.person_id AND status = 'due';
    PERFORM narrow_row_context(asked_as);
    RETURN NULL;
END $$;
CREATE TRIGGER close_reviews AFTER DELETE ON person FOR EACH ROW EXECUTE FUNCTION close_reviews();
"""


def upgrade() -> None:
    for script in (_TABLE, _POLICIES, _DOORS):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what was decided about keeping data stays known")
