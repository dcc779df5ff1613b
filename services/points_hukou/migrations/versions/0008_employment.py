"""Who works for whom, from when to when: points count years of work (RR-46).

Revision ID: 0008
Revises: 0007
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE mirror_employment (
    employment_id uuid NOT NULL,
    person_id uuid NOT NULL,
    employer_id uuid NOT NULL,
    division_code text NOT NULL,
    industry_code text NOT NULL,
    occupation_code text NOT NULL,
    started_on date NOT NULL,
    ended_on date,
    end_reason text,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_employment PRIMARY KEY (employment_id),
    CONSTRAINT ck_mirror_employment_guard CHECK (version > 0 AND sequence > 0)
);
CREATE INDEX ix_mirror_employment_person_id ON mirror_employment (person_id);
COMMENT ON TABLE mirror_employment IS 'retention: mirror';
SELECT protect_rows('mirror_employment');
CREATE POLICY clients_see ON mirror_employment FOR SELECT USING (is_file_visible(person_id));
"""


def upgrade() -> None:
    """A snapshot of the registry fills it with what was told before."""
    execute_script(op, _TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE mirror_employment")
