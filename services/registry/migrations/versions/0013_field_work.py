"""Field work: assignments, visits, conflicts, rates.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE coordinator_assignment (
    assignment_id uuid NOT NULL,
    coordinator text NOT NULL,
    division_code text NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_coordinator_assignment PRIMARY KEY (assignment_id),
    CONSTRAINT ck_coordinator_assignment_valid_until CHECK (valid_until > valid_from),
    CONSTRAINT ck_coordinator_assignment_version CHECK (version > 0)
);
CREATE INDEX ix_coordinator_assignment_created_at ON coordinator_assignment (created_at, assignment_id);
CREATE UNIQUE INDEX uq_coordinator_assignment_open ON coordinator_assignment
    (coordinator, division_code) WHERE valid_until IS NULL;
COMMENT ON TABLE coordinator_assignment IS 'retention: years-3; who was to visit whom';
SELECT protect_rows('coordinator_assignment');

CREATE TABLE field_visit (
    visit_id uuid NOT NULL,
    division_code text NOT NULL,
    coordinator text NOT NULL,
    subject text NOT NULL,
    outcome text NOT NULL,
    person_id uuid,
    premises_id uuid,
    visited_at timestamptz NOT NULL,
    visited_on date NOT NULL,
    seen_version integer,
    was_registered boolean NOT NULL,
    data_matches boolean,
    sealed bytea NOT NULL,
    content_index bytea NOT NULL,
    set_aside boolean NOT NULL,
    recorded_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_field_visit PRIMARY KEY (visit_id),
    CONSTRAINT ck_field_visit_subject CHECK (subject IN ('person', 'home')),
    CONSTRAINT ck_field_visit_outcome
        CHECK (outcome IN ('found', 'not_found', 'moved', 'different_address', 'found_not_registered')),
    CONSTRAINT ck_field_visit_subject_id
        CHECK ((subject = 'person' OR person_id IS NULL) AND (subject = 'home' OR premises_id IS NULL)),
    CONSTRAINT ck_field_visit_content_index CHECK (octet_length(content_index) = 32),
    CONSTRAINT fk_field_visit_person_id FOREIGN KEY(person_id) REFERENCES person (person_id) ON DELETE CASCADE,
    CONSTRAINT fk_field_visit_premises_id FOREIGN KEY(premises_id) REFERENCES premises (premises_id)
);
CREATE INDEX ix_field_visit_month ON field_visit (visited_on, subject);
CREATE INDEX ix_field_visit_person ON field_visit (person_id, visited_on);
CREATE INDEX ix_field_visit_premises ON field_visit (premises_id, visited_on);
COMMENT ON TABLE field_visit IS 'retention: person';
SELECT protect_rows('field_visit');

CREATE TABLE field_visit_conflict (
    visit_conflict_id uuid NOT NULL,
    division_code text NOT NULL,
    visit_id uuid NOT NULL,
    other_visit_id uuid,
    kind text NOT NULL,
    seen_version integer,
    current_version integer,
    status text NOT NULL,
    decision text,
    decided_on date,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_field_visit_conflict PRIMARY KEY (visit_conflict_id),
    CONSTRAINT ck_field_visit_conflict_kind
        CHECK (kind IN ('register_changed', 'registered_after_all', 'visits_differ')),
    CONSTRAINT ck_field_visit_conflict_status CHECK (status IN ('open', 'decided')),
    CONSTRAINT ck_field_visit_conflict_decision CHECK (decision IN ('visit_counts', 'other_counts', 'neither_counts')),
    CONSTRAINT ck_field_visit_conflict_decided CHECK ((status = 'decided') = (decision IS NOT NULL)),
    CONSTRAINT ck_field_visit_conflict_other CHECK ((kind = 'visits_differ') = (other_visit_id IS NOT NULL)),
    CONSTRAINT ck_field_visit_conflict_version CHECK (version > 0),
    CONSTRAINT fk_field_visit_conflict_visit_id FOREIGN KEY(visit_id)
        REFERENCES field_visit (visit_id) ON DELETE CASCADE,
    CONSTRAINT fk_field_visit_conflict_other_visit_id FOREIGN KEY(other_visit_id)
        REFERENCES field_visit (visit_id) ON DELETE CASCADE
);
CREATE INDEX ix_field_visit_conflict_created_at ON field_visit_conflict (created_at, visit_conflict_id);
CREATE INDEX ix_field_visit_conflict_other ON field_visit_conflict (other_visit_id);
CREATE INDEX ix_field_visit_conflict_visit ON field_visit_conflict (visit_id);
COMMENT ON TABLE field_visit_conflict IS 'retention: person; with the visits';
SELECT protect_rows('field_visit_conflict');

CREATE TABLE rate_value (
    rate_value_id uuid NOT NULL,
    rate text NOT NULL,
    definition_version text NOT NULL,
    division_code text NOT NULL,
    month date NOT NULL,
    numerator integer NOT NULL,
    denominator integer NOT NULL,
    computed_on date NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_rate_value PRIMARY KEY (rate_value_id),
    CONSTRAINT ck_rate_value_numerator CHECK (numerator BETWEEN 0 AND denominator)
);
CREATE INDEX ix_rate_value_month ON rate_value (month, created_at, rate_value_id);
CREATE UNIQUE INDEX uq_rate_value ON rate_value (rate, definition_version, division_code, month);
COMMENT ON TABLE rate_value IS 'retention: aggregate';
SELECT protect_rows('rate_value');
"""

_POLICIES = """
-- Field work is seen and done in the division it is about; visits, like stays, for two years.
CREATE POLICY clients_see ON coordinator_assignment FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_assign ON coordinator_assignment FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_end ON coordinator_assignment FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see ON field_visit FOR SELECT
    USING (is_in_row_division(division_code) AND visited_on > row_seen_since());
CREATE POLICY clients_hand_in ON field_visit FOR INSERT WITH CHECK (is_in_row_division(division_code) AND (
    person_id IS NULL OR EXISTS (SELECT FROM person p WHERE p.person_id = field_visit.person_id OFFSET 0)));
CREATE POLICY clients_set_aside ON field_visit FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see ON field_visit_conflict FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_hand_in ON field_visit_conflict FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_decide ON field_visit_conflict FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see ON rate_value FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY field_work_sees ON history FOR SELECT USING (
    CASE resource
    WHEN 'coordinator_assignment' THEN
        EXISTS (SELECT FROM coordinator_assignment a WHERE a.assignment_id = history.resource_id)
    WHEN 'field_visit_conflict' THEN EXISTS (SELECT FROM field_visit_conflict c WHERE c.visit_conflict_id = history.resource_id)
    ELSE false
    END);
"""


def upgrade() -> None:
    """Deleting a person takes its visits along, by the foreign key, and their conflicts with them."""
    for script in (_TABLES, _POLICIES):
        execute_script(op, script)


def downgrade() -> None:
    op.execute("DROP POLICY field_work_sees ON history")
    op.execute("DROP TABLE rate_value, field_visit_conflict, field_visit, coordinator_assignment")
