"""Employers and employment.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE employer (
    employer_id uuid NOT NULL,
    credit_code text NOT NULL,
    status text NOT NULL,
    division_code text NOT NULL,
    industry_code text NOT NULL,
    sealed bytea NOT NULL,
    registered_on date NOT NULL,
    ended_on date,
    end_reason text,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_employer PRIMARY KEY (employer_id),
    CONSTRAINT ck_employer_status CHECK (status IN ('registered', 'ended')),
    CONSTRAINT ck_employer_ended CHECK ((status = 'ended') = (ended_on IS NOT NULL AND end_reason IS NOT NULL)),
    CONSTRAINT ck_employer_credit_code CHECK (length(credit_code) = 18),
    CONSTRAINT ck_employer_version CHECK (version > 0)
);
CREATE UNIQUE INDEX uq_employer_credit_code ON employer (credit_code);
CREATE INDEX ix_employer_division ON employer (division_code text_pattern_ops, created_at, employer_id);
COMMENT ON TABLE employer IS 'retention: aggregate';
SELECT protect_rows('employer');

CREATE TABLE employment (
    employment_id uuid NOT NULL,
    person_id uuid NOT NULL,
    employer_id uuid NOT NULL,
    division_code text NOT NULL,
    industry_code text NOT NULL,
    occupation_code text NOT NULL,
    sealed bytea NOT NULL,
    started_on date NOT NULL,
    start_reported_on date NOT NULL,
    start_due_on date,
    start_reported_late boolean,
    ended_on date,
    end_reason text,
    end_reported_on date,
    end_due_on date,
    end_reported_late boolean,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_employment PRIMARY KEY (employment_id),
    CONSTRAINT ck_employment_ended CHECK ((ended_on IS NULL) = (end_reason IS NULL)),
    CONSTRAINT ck_employment_end_reported_on CHECK ((ended_on IS NULL) = (end_reported_on IS NULL)),
    CONSTRAINT ck_employment_ended_on CHECK (ended_on >= started_on),
    CONSTRAINT ck_employment_version CHECK (version > 0),
    CONSTRAINT fk_employment_person_id FOREIGN KEY(person_id) REFERENCES person (person_id) ON DELETE CASCADE,
    CONSTRAINT fk_employment_employer_id FOREIGN KEY(employer_id) REFERENCES employer (employer_id)
);
CREATE UNIQUE INDEX uq_employment_open ON employment (person_id, employer_id) WHERE ended_on IS NULL;
CREATE INDEX ix_employment_person ON employment (person_id, created_at);
CREATE INDEX ix_employment_employer ON employment (employer_id, created_at, employment_id);
CREATE INDEX ix_employment_division ON employment (division_code text_pattern_ops, created_at, employment_id);
COMMENT ON TABLE employment IS 'retention: person';
SELECT protect_rows('employment');
"""

_SEES = "EXISTS (SELECT FROM person_division d WHERE d.person_id = employment.person_id OFFSET 0)"
_HOLDS = "EXISTS (SELECT FROM person_division d WHERE d.person_id = employment.person_id AND d.until IS NULL OFFSET 0)"
_RESOLVED = "EXISTS (SELECT FROM person_resolution a WHERE a.person_id = employment.person_id OFFSET 0)"

_POLICIES = f"""
CREATE POLICY clients_see ON employer FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_register ON employer FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_change ON employer FOR UPDATE USING (is_in_row_division(division_code));

-- An employment is the business of whoever sees the person, and of the employer's division until two years after its end was
-- told. It gives no hold on the person: that is the registration's.
CREATE POLICY clients_see ON employment FOR SELECT USING (
    is_in_row_division(division_code) AND (end_reported_on IS NULL OR end_reported_on > row_seen_since()) OR {_SEES});
CREATE POLICY clients_report ON employment FOR INSERT WITH CHECK ({_SEES} OR {_RESOLVED});
CREATE POLICY clients_change ON employment FOR UPDATE USING (is_in_row_division(division_code) OR {_HOLDS});

CREATE POLICY employment_sees ON history FOR SELECT USING (
    CASE resource
    WHEN 'employer' THEN EXISTS (SELECT FROM employer e WHERE e.employer_id = history.resource_id)
    WHEN 'employment' THEN EXISTS (SELECT FROM employment e WHERE e.employment_id = history.resource_id)
    ELSE false
    END);
"""

_BEYOND_THE_ROWS = """
-- Whoever has an employer's complete code may report who works there, wherever it lies; held against its end meanwhile.
CREATE FUNCTION employer_of_code(code text) RETURNS SETOF employer LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY SELECT * FROM employer WHERE credit_code = code FOR SHARE;
    PERFORM narrow_row_context(asked_as);
END $$;

-- Whether a person in sight or resolved, who is locked, works there already.
CREATE FUNCTION open_employment_of(of_person uuid, at_employer uuid) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
    found uuid;
BEGIN
    IF EXISTS (SELECT FROM person WHERE person_id = of_person) THEN
        asked_as := widen_row_context();
        SELECT employment_id INTO found FROM employment
            WHERE person_id = of_person AND employer_id = at_employer AND ended_on IS NULL;
        PERFORM narrow_row_context(asked_as);
    END IF;
    RETURN found;
END $$;
"""


def upgrade() -> None:
    """Deleting a person takes its employments along, by the foreign key."""
    for script in (_TABLES, _POLICIES, _BEYOND_THE_ROWS):
        execute_script(op, script)


def downgrade() -> None:
    op.execute("DROP POLICY employment_sees ON history")
    op.execute("DROP FUNCTION open_employment_of")
    op.execute("DROP FUNCTION employer_of_code")
    op.execute("DROP TABLE employment, employer")
