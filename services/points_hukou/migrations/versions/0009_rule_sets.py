"""Rule sets in the office's hands: drafted, checked, approved by two officers, in force from a day.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE rule_set (
    rule_set_id uuid NOT NULL,
    name text NOT NULL,
    document_version integer NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    doc_no text,
    jurisdiction text NOT NULL,
    division_code text NOT NULL,
    status text NOT NULL,
    texts jsonb NOT NULL,
    own_choices text NOT NULL,
    cases text NOT NULL,
    digest text,
    problems text[],
    drafted_by text NOT NULL,
    proposed_by text,
    approved_by text,
    approved_on date,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_rule_set PRIMARY KEY (rule_set_id),
    CONSTRAINT ck_rule_set_status CHECK (status IN ('draft', 'checked', 'approved', 'withdrawn')),
    CONSTRAINT ck_rule_set_version CHECK (version > 0),
    CONSTRAINT ck_rule_set_approved CHECK ((approved_on IS NULL) = (approved_by IS NULL))
);
CREATE INDEX ix_rule_set_created_at ON rule_set (created_at, rule_set_id);
COMMENT ON TABLE rule_set IS 'retention: aggregate; assessments name it';

CREATE TABLE rule_set_in_force (
    in_force_id uuid NOT NULL,
    rule_set_id uuid NOT NULL,
    purpose text NOT NULL,
    service text NOT NULL,
    division_code text NOT NULL,
    valid_from date NOT NULL,
    ended_on date,
    put_by text NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_rule_set_in_force PRIMARY KEY (in_force_id),
    CONSTRAINT fk_rule_set_in_force_rule_set_id_rule_set FOREIGN KEY (rule_set_id) REFERENCES rule_set (rule_set_id),
    CONSTRAINT ck_rule_set_in_force_purpose CHECK (purpose IN ('school', 'housing', 'settlement', 'health_check', 'rest_leave',
        'other')),
    CONSTRAINT ck_rule_set_in_force_ended_on CHECK (ended_on >= valid_from),
    CONSTRAINT ck_rule_set_in_force_version CHECK (version > 0)
);
CREATE UNIQUE INDEX uq_rule_set_in_force_day ON rule_set_in_force (division_code, purpose, valid_from)
    WHERE ended_on IS NULL OR ended_on > valid_from;
CREATE INDEX ix_rule_set_in_force_rule_set_id ON rule_set_in_force (rule_set_id);
COMMENT ON TABLE rule_set_in_force IS 'retention: aggregate; assessments rest on it';

-- Law in use is never edited: from the approval on, nothing of the text changes, whoever writes.
CREATE FUNCTION keep_as_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.approved_on IS NOT NULL AND (
        (NEW.name, NEW.document_version, NEW.jurisdiction, NEW.texts, NEW.own_choices, NEW.cases, NEW.digest, NEW.approved_on,
            NEW.approved_by, NEW.division_code)
        IS DISTINCT FROM
        (OLD.name, OLD.document_version, OLD.jurisdiction, OLD.texts, OLD.own_choices, OLD.cases, OLD.digest, OLD.approved_on,
            OLD.approved_by, OLD.division_code)
    ) THEN
        RAISE EXCEPTION 'an approved rule set is not edited' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_as_approved BEFORE UPDATE ON rule_set FOR EACH ROW EXECUTE FUNCTION keep_as_approved();
"""

_POLICIES = """
SELECT protect_rows('rule_set'), protect_rows('rule_set_in_force');
-- A draft is its office's; what two officers approved is law, and public.
CREATE POLICY clients_see ON rule_set FOR SELECT USING (is_in_row_division(division_code) OR approved_on IS NOT NULL);
CREATE POLICY offices_draft ON rule_set FOR INSERT WITH CHECK (is_in_row_division(division_code) AND approved_on IS NULL);
CREATE POLICY offices_change ON rule_set FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see ON rule_set_in_force FOR SELECT USING (row_has_context());
CREATE POLICY offices_put ON rule_set_in_force FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY offices_end ON rule_set_in_force FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see_rule_sets ON history FOR SELECT USING (
    resource = 'rule_set' AND EXISTS (SELECT FROM rule_set r WHERE r.rule_set_id = history.resource_id));
"""


def upgrade() -> None:
    execute_script(op, _TABLES)
    execute_script(op, _POLICIES)


def downgrade() -> None:
    raise RuntimeError("law that was in force stays known")
