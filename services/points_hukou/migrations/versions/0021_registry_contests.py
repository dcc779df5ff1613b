"""Contests of what the registry says of a person.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE registry_contest (
    contest_id uuid NOT NULL,
    person_id uuid NOT NULL,
    rule_set text NOT NULL,
    fact text NOT NULL,
    field text NOT NULL,
    division_code text NOT NULL,
    status text NOT NULL,
    opened_on date NOT NULL,
    due_on date NOT NULL,
    overdue_told_on date,
    decided_on date,
    rights_request_id uuid,
    reasons jsonb NOT NULL,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_registry_contest PRIMARY KEY (contest_id),
    CONSTRAINT ck_registry_contest_status CHECK (status IN ('open', 'corrected', 'upheld', 'withdrawn', 'rejected')),
    CONSTRAINT ck_registry_contest_decided CHECK ((decided_on IS NOT NULL) = (status <> 'open')),
    CONSTRAINT ck_registry_contest_version CHECK (version > 0)
);
CREATE UNIQUE INDEX uq_registry_contest_open ON registry_contest (person_id, field) WHERE status = 'open';
CREATE INDEX ix_registry_contest_person_id ON registry_contest (person_id, created_at);
CREATE INDEX ix_registry_contest_due_on ON registry_contest (due_on) WHERE status = 'open';
COMMENT ON TABLE registry_contest IS 'retention: person; what was said under the person''s key';
"""

_POLICIES = """
SELECT protect_rows('registry_contest');
CREATE POLICY clients_see ON registry_contest FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY offices_open ON registry_contest FOR INSERT
    WITH CHECK (is_file_visible(person_id) AND is_in_row_division(division_code));
CREATE POLICY clients_see_registry_contests ON history FOR SELECT USING (
    resource = 'registry_contest' AND EXISTS (SELECT FROM registry_contest c WHERE c.contest_id = history.resource_id));
"""


def upgrade() -> None:
    """The table and who sees its rows; answers come as events, which are the service's own."""
    execute_script(op, _TABLE)
    execute_script(op, _POLICIES)


def downgrade() -> None:
    raise RuntimeError("what was contested stays known")
