"""A correction that a neighbour brought in names the contest it answers (decision 0025).

Revision ID: 0036
Revises: 0035
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE rights_request ADD COLUMN contest_id uuid, ADD COLUMN contested_field text,
    ADD CONSTRAINT ck_rights_request_contested CHECK ((contest_id IS NULL) = (contested_field IS NULL));
CREATE UNIQUE INDEX uq_rights_request_contest_id ON rights_request (contest_id) WHERE contest_id IS NOT NULL;
"""


def upgrade() -> None:
    """Two columns, empty for what persons asked for at the registry's own windows."""
    execute_script(op, _COLUMNS)


def downgrade() -> None:
    raise RuntimeError("what was asked stays known")
