"""A place whose holder's score fell after the list was final is told to the office that decides about it (P-27, V-28).

Revision ID: 0026
Revises: 0025
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE round_place ADD COLUMN lowered_on date, ADD COLUMN compared_assessment_id uuid;
"""


def upgrade() -> None:
    """Since when a place is held with less than it was given for, and the score that was last compared."""
    execute_script(op, _COLUMNS)


def downgrade() -> None:
    raise RuntimeError("what was told stays known")
