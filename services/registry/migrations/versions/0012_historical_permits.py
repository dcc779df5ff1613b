"""Papers of the regime of 2009; an ended permit remembers the suspension it ended under.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE historical_permit (
    historical_permit_id uuid NOT NULL,
    person_id uuid NOT NULL,
    kind text NOT NULL,
    regime text NOT NULL,
    division_code text NOT NULL,
    issued_on date NOT NULL,
    valid_until date NOT NULL,
    ended_on date,
    applied_on date,
    due_on date,
    doubts jsonb NOT NULL,
    annulled_on date,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_historical_permit PRIMARY KEY (historical_permit_id),
    CONSTRAINT ck_historical_permit_kind CHECK (kind IN ('temporary_residence_permit', 'residence_permit')),
    CONSTRAINT ck_historical_permit_dates CHECK (issued_on <= valid_until AND issued_on <= ended_on),
    CONSTRAINT ck_historical_permit_version CHECK (version > 0),
    CONSTRAINT fk_historical_permit_person_id FOREIGN KEY (person_id) REFERENCES person (person_id) ON DELETE CASCADE
);
CREATE INDEX ix_historical_permit_person_id ON historical_permit (person_id, created_at);
COMMENT ON TABLE historical_permit IS 'retention: person';

SELECT protect_rows('historical_permit');
CREATE POLICY clients_see ON historical_permit FOR SELECT
    USING (EXISTS (SELECT FROM person_division d WHERE d.person_id = historical_permit.person_id OFFSET 0));
CREATE POLICY holders_record ON historical_permit FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM person_division d WHERE d.person_id = historical_permit.person_id AND d.until IS NULL OFFSET 0));
CREATE POLICY holders_annul ON historical_permit FOR UPDATE USING (
    EXISTS (SELECT FROM person_division d WHERE d.person_id = historical_permit.person_id AND d.until IS NULL OFFSET 0));
CREATE POLICY clients_see_historical_permits ON history FOR SELECT USING (
    resource = 'historical_permit'
    AND EXISTS (SELECT FROM historical_permit h WHERE h.historical_permit_id = history.resource_id));
"""

# Time under suspension is no residence year (RR-38), also after the permit has ended.
_SUSPENSION = """
ALTER TABLE residence_permit DROP CONSTRAINT ck_residence_permit_suspended;
ALTER TABLE residence_permit ADD CONSTRAINT ck_residence_permit_suspended CHECK (
    (suspended_on IS NULL) = (suspension_cause IS NULL) AND (status <> 'suspended' OR suspended_on IS NOT NULL)
    AND (suspended_on IS NULL OR status IN ('suspended', 'ended')));
"""


def upgrade() -> None:
    execute_script(op, _TABLE)
    execute_script(op, _SUSPENSION)


def downgrade() -> None:
    raise RuntimeError("what is recorded of old papers is not thrown away")
