"""Transfers of household registration.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE household_transfer (
    transfer_id uuid NOT NULL,
    person_id uuid NOT NULL,
    application_id uuid,
    round_id uuid,
    division_code text NOT NULL,
    hukou_division_code text NOT NULL,
    status text NOT NULL,
    opened_on date NOT NULL,
    opened_by text NOT NULL,
    approved_on date,
    approved_by text,
    entered_on date,
    completed_on date,
    completed_by text,
    asked_version integer,
    due_on date,
    is_due_provisional boolean NOT NULL,
    overdue_told_for date,
    reasons jsonb NOT NULL,
    closed_on date,
    ended_registration_id uuid,
    ended_permit_id uuid,
    sealed bytea,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_household_transfer PRIMARY KEY (transfer_id),
    CONSTRAINT fk_household_transfer_application_id_application FOREIGN KEY (application_id)
        REFERENCES application (application_id),
    CONSTRAINT fk_household_transfer_round_id_round FOREIGN KEY (round_id) REFERENCES round (round_id),
    CONSTRAINT ck_household_transfer_status CHECK (status IN ('opened', 'approved', 'completed', 'returned', 'closed',
        'withdrawn')),
    CONSTRAINT ck_household_transfer_version CHECK (version > 0),
    CONSTRAINT ck_household_transfer_approved CHECK ((approved_on IS NULL) = (approved_by IS NULL)),
    CONSTRAINT ck_household_transfer_completed CHECK ((completed_on IS NULL) = (entered_on IS NULL OR completed_by IS NULL
        OR due_on IS NULL)),
    CONSTRAINT ck_household_transfer_place CHECK ((application_id IS NULL) = (round_id IS NULL))
);
CREATE INDEX ix_household_transfer_created_at ON household_transfer (created_at, transfer_id);
CREATE INDEX ix_household_transfer_person_id ON household_transfer (person_id);
CREATE INDEX ix_household_transfer_due_on ON household_transfer (due_on) WHERE status = 'completed';
COMMENT ON TABLE household_transfer IS 'retention: person; what was noted goes with the person';
"""

_POLICIES = """
SELECT protect_rows('household_transfer');
-- The office that has the case, and those above it; whoever it is about must be in its sight when it is opened.
CREATE POLICY offices_see ON household_transfer FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY offices_open ON household_transfer FOR INSERT
    WITH CHECK (is_in_row_division(division_code) AND is_file_visible(person_id));
CREATE POLICY offices_act ON household_transfer FOR UPDATE USING (is_in_row_division(division_code));
CREATE POLICY clients_see_household_transfers ON history FOR SELECT USING (
    resource = 'household_transfer'
    AND EXISTS (SELECT FROM household_transfer t WHERE t.transfer_id = history.resource_id));

-- Whether a case of any of these persons is open, in whatever office: told as yes or no.
CREATE FUNCTION is_transferring(person_ids uuid[]) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    found boolean;
BEGIN
    SELECT EXISTS (SELECT FROM household_transfer t WHERE t.person_id = ANY (person_ids)
        AND t.status IN ('opened', 'approved', 'completed', 'returned')) INTO found;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;
"""


def upgrade() -> None:
    """The table and who sees its rows."""
    execute_script(op, _TABLES)
    execute_script(op, _POLICIES)


def downgrade() -> None:
    raise RuntimeError("what was decided stays known")
