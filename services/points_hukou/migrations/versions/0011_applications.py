"""Applications for points and their assessments.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE application (
    application_id uuid NOT NULL,
    person_id uuid NOT NULL,
    family_person_ids uuid[] NOT NULL,
    for_person_id uuid,
    purpose text NOT NULL,
    service text NOT NULL,
    division_code text NOT NULL,
    rule_set_id uuid NOT NULL,
    status text NOT NULL,
    applied_on date NOT NULL,
    due_on date NOT NULL,
    is_due_provisional boolean NOT NULL,
    overdue_told_for date,
    scoring_tried_on date,
    scored_on date,
    counted_assessment_id uuid,
    recheck_asked_on date,
    confirmed_on date,
    confirmed_by text,
    sealed bytea,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_application PRIMARY KEY (application_id),
    CONSTRAINT fk_application_rule_set_id_rule_set FOREIGN KEY (rule_set_id) REFERENCES rule_set (rule_set_id),
    CONSTRAINT ck_application_status CHECK (status IN ('received', 'scored', 'in_recheck', 'confirmed', 'withdrawn')),
    CONSTRAINT ck_application_purpose CHECK (purpose IN ('school', 'housing', 'settlement', 'health_check', 'rest_leave',
        'other')),
    CONSTRAINT ck_application_confirmed CHECK ((confirmed_on IS NULL) = (confirmed_by IS NULL)),
    CONSTRAINT ck_application_version CHECK (version > 0)
);
CREATE INDEX ix_application_created_at ON application (created_at, application_id);
CREATE INDEX ix_application_person_id ON application (person_id);
CREATE INDEX ix_application_due_on ON application (due_on) WHERE status IN ('received', 'in_recheck');
COMMENT ON TABLE application IS 'retention: person; what was said in words goes with the person';

CREATE TABLE assessment (
    assessment_id uuid NOT NULL,
    application_id uuid NOT NULL,
    person_id uuid NOT NULL,
    kind text NOT NULL,
    is_counted boolean NOT NULL,
    rule_set_id uuid NOT NULL,
    scored_on date NOT NULL,
    scored_by text,
    document_sha256 text NOT NULL,
    sealed bytea,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_assessment PRIMARY KEY (assessment_id),
    CONSTRAINT fk_assessment_application_id_application FOREIGN KEY (application_id) REFERENCES application (application_id),
    CONSTRAINT fk_assessment_rule_set_id_rule_set FOREIGN KEY (rule_set_id) REFERENCES rule_set (rule_set_id),
    CONSTRAINT ck_assessment_kind CHECK (kind IN ('first', 'recheck'))
);
CREATE INDEX ix_assessment_application_id ON assessment (application_id);
CREATE INDEX ix_assessment_person_id ON assessment (person_id);
COMMENT ON TABLE assessment IS 'retention: person; what it says goes with the person';
"""

_POLICIES = """
SELECT protect_rows('application'), protect_rows('assessment');
-- The office that has the case, and those above it; who applies must be in its sight, which the action asks.
CREATE POLICY offices_see ON application FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY offices_receive ON application FOR INSERT
    WITH CHECK (is_in_row_division(division_code) AND is_file_visible(person_id));
CREATE POLICY offices_act ON application FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY offices_see ON assessment FOR SELECT USING (
    EXISTS (SELECT FROM application a WHERE a.application_id = assessment.application_id));
CREATE POLICY offices_score ON assessment FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM application a WHERE a.application_id = assessment.application_id));
CREATE POLICY clients_see_applications ON history FOR SELECT USING (
    resource = 'application' AND EXISTS (SELECT FROM application a WHERE a.application_id = history.resource_id));

-- Whether any of these persons has the same application open, in whatever office: told as yes or no.
CREATE FUNCTION is_applying(person_ids uuid[], for_use text, for_child uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    found boolean;
BEGIN
    SELECT EXISTS (SELECT FROM application a
        WHERE (a.person_id = ANY (person_ids) OR a.family_person_ids && person_ids)
        AND a.purpose = for_use AND a.for_person_id IS NOT DISTINCT FROM for_child
        AND a.status IN ('received', 'scored', 'in_recheck')) INTO found;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;
"""


def upgrade() -> None:
    execute_script(op, _TABLES)
    execute_script(op, _POLICIES)


def downgrade() -> None:
    raise RuntimeError("what was decided stays known")
