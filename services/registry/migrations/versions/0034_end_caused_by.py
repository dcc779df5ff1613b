"""What a neighbour's event ended keeps that event's id (household transfers, decision 0034).

Revision ID: 0034
Revises: 0033
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE residence_registration ADD COLUMN end_caused_by uuid,
    ADD CONSTRAINT ck_residence_registration_end_caused_by CHECK (end_caused_by IS NULL OR ended_on IS NOT NULL);
ALTER TABLE residence_permit ADD COLUMN end_caused_by uuid,
    ADD CONSTRAINT ck_residence_permit_end_caused_by CHECK (end_caused_by IS NULL OR ended_on IS NOT NULL);
"""


def upgrade() -> None:
    """Two columns, empty for everything that offices ended themselves."""
    execute_script(op, _COLUMNS)


def downgrade() -> None:
    raise RuntimeError("what was told stays known")
