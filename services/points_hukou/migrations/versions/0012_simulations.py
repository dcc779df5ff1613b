"""What changed rules would come to, tried on everybody: numbers of people alone.

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
CREATE TABLE simulation (
    simulation_id uuid NOT NULL,
    division_code text NOT NULL,
    asked_by text NOT NULL,
    asked jsonb NOT NULL,
    told jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_simulation PRIMARY KEY (simulation_id)
);
COMMENT ON TABLE simulation IS 'retention: aggregate; numbers of people alone';
SELECT protect_rows('simulation');
CREATE POLICY clients_see ON simulation FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY offices_tell ON simulation FOR INSERT WITH CHECK (is_in_row_division(division_code));
"""


def upgrade() -> None:
    """The table, and who sees it."""
    execute_script(op, _TABLE)


def downgrade() -> None:
    raise RuntimeError("what was tried stays known")
