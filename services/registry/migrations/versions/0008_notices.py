"""Notices: what somebody was asked to be told.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# A notice to a person goes with the person (ON DELETE CASCADE); it holds ids, days and codes and belongs to nobody else.
_TABLE = """
CREATE TABLE notice (
    notice_id uuid NOT NULL,
    template text NOT NULL,
    rule text NOT NULL,
    addressee_kind text NOT NULL,
    addressee_id uuid NOT NULL,
    person_id uuid,
    division_code text NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    parameters jsonb NOT NULL,
    dedupe_key text NOT NULL,
    requested_on date NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_notice PRIMARY KEY (notice_id),
    CONSTRAINT ck_notice_addressee_kind CHECK (addressee_kind IN ('person', 'employer', 'landlord')),
    CONSTRAINT ck_notice_person CHECK (addressee_kind <> 'person' OR person_id = addressee_id),
    CONSTRAINT fk_notice_person_id FOREIGN KEY (person_id) REFERENCES person (person_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX uq_notice_dedupe_key ON notice (dedupe_key);
CREATE INDEX ix_notice_person_id ON notice (person_id, created_at);
CREATE INDEX ix_notice_created_at ON notice (created_at, notice_id);
CREATE INDEX ix_notice_division ON notice (division_code text_pattern_ops, created_at, notice_id);
COMMENT ON TABLE notice IS 'retention: person; append-only';

SELECT protect_rows('notice');
-- Of a person with the person; of an organisation, the office's own.
CREATE POLICY clients_see ON notice FOR SELECT USING (
    CASE WHEN person_id IS NULL THEN is_in_row_division(division_code)
    ELSE EXISTS (SELECT FROM person_division d WHERE d.person_id = notice.person_id OFFSET 0) END);
CREATE POLICY offices_ask ON notice FOR INSERT WITH CHECK (
    CASE WHEN person_id IS NULL THEN is_in_row_division(division_code)
    ELSE EXISTS (SELECT FROM person_division d WHERE d.person_id = notice.person_id AND d.until IS NULL OFFSET 0) END);
"""


def upgrade() -> None:
    execute_script(op, _TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE notice")
