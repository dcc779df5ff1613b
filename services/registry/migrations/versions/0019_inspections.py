"""Inspections of homes, their findings, and villages paired with enterprises.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE inspection (
    inspection_id uuid NOT NULL,
    premises_id uuid NOT NULL,
    division_code text NOT NULL,
    inspector text NOT NULL,
    inspected_on date NOT NULL,
    checklist_version text,
    answers jsonb NOT NULL,
    score integer,
    stars integer,
    stars_valid_until date,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_inspection PRIMARY KEY (inspection_id),
    CONSTRAINT ck_inspection_graded
        CHECK ((stars IS NULL) = (score IS NULL) AND (stars IS NULL) = (stars_valid_until IS NULL)
            AND (stars IS NULL) = (checklist_version IS NULL)),
    CONSTRAINT ck_inspection_stars CHECK (stars BETWEEN 1 AND 5),
    CONSTRAINT ck_inspection_score CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT fk_inspection_premises_id FOREIGN KEY(premises_id) REFERENCES premises (premises_id)
);
CREATE INDEX ix_inspection_premises ON inspection (premises_id, created_at, inspection_id);
COMMENT ON TABLE inspection IS 'retention: aggregate; append-only';
SELECT protect_rows('inspection');

CREATE TABLE inspection_finding (
    finding_id uuid NOT NULL,
    premises_id uuid NOT NULL,
    division_code text NOT NULL,
    inspection_id uuid NOT NULL,
    room_id uuid,
    kind text NOT NULL,
    due_on date NOT NULL,
    status text NOT NULL,
    closed_on date,
    closed_by_inspection_id uuid,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_inspection_finding PRIMARY KEY (finding_id),
    CONSTRAINT ck_inspection_finding_status CHECK (status IN ('open', 'closed')),
    CONSTRAINT ck_inspection_finding_closed
        CHECK ((status = 'closed') = (closed_by_inspection_id IS NOT NULL AND closed_on IS NOT NULL)),
    CONSTRAINT ck_inspection_finding_another_inspection CHECK (closed_by_inspection_id <> inspection_id),
    CONSTRAINT ck_inspection_finding_version CHECK (version > 0),
    CONSTRAINT fk_inspection_finding_premises_id FOREIGN KEY(premises_id) REFERENCES premises (premises_id),
    CONSTRAINT fk_inspection_finding_inspection_id FOREIGN KEY(inspection_id) REFERENCES inspection (inspection_id),
    CONSTRAINT fk_inspection_finding_room_id FOREIGN KEY(room_id) REFERENCES room (room_id),
    CONSTRAINT fk_inspection_finding_closed_by_inspection_id FOREIGN KEY(closed_by_inspection_id)
        REFERENCES inspection (inspection_id)
);
CREATE INDEX ix_inspection_finding_created_at ON inspection_finding (created_at, finding_id);
CREATE INDEX ix_inspection_finding_due ON inspection_finding (due_on) WHERE status = 'open';
CREATE INDEX ix_inspection_finding_inspection ON inspection_finding (inspection_id);
CREATE INDEX ix_inspection_finding_premises ON inspection_finding (premises_id);
COMMENT ON TABLE inspection_finding IS 'retention: aggregate';
SELECT protect_rows('inspection_finding');

CREATE TABLE village_pairing (
    pairing_id uuid NOT NULL,
    division_code text NOT NULL,
    organisation_name text NOT NULL,
    credit_code text NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_village_pairing PRIMARY KEY (pairing_id),
    CONSTRAINT ck_village_pairing_valid_until CHECK (valid_until > valid_from),
    CONSTRAINT ck_village_pairing_version CHECK (version > 0)
);
CREATE INDEX ix_village_pairing_created_at ON village_pairing (created_at, pairing_id);
CREATE UNIQUE INDEX uq_village_pairing_open ON village_pairing (division_code, credit_code) WHERE valid_until IS NULL;
COMMENT ON TABLE village_pairing IS 'retention: aggregate';
SELECT protect_rows('village_pairing');
"""

_POLICIES = """
-- Inspections belong to the division of the home, pairings to that of the village. An inspection is never changed.
CREATE POLICY clients_see ON inspection FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_inspect ON inspection FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_see ON inspection_finding FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_find ON inspection_finding FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_look_again ON inspection_finding FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see ON village_pairing FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_pair ON village_pairing FOR INSERT WITH CHECK (is_in_row_division(division_code));
CREATE POLICY clients_end ON village_pairing FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY inspections_see ON history FOR SELECT USING (
    CASE resource
    WHEN 'inspection_finding' THEN EXISTS (SELECT FROM inspection_finding f WHERE f.finding_id = history.resource_id)
    WHEN 'village_pairing' THEN EXISTS (SELECT FROM village_pairing p WHERE p.pairing_id = history.resource_id)
    ELSE false
    END);
"""


def upgrade() -> None:
    """Nothing in these tables is about a person."""
    for script in (_TABLES, _POLICIES):
        execute_script(op, script)


def downgrade() -> None:
    op.execute("DROP POLICY inspections_see ON history")
    op.execute("DROP TABLE village_pairing, inspection_finding, inspection")
