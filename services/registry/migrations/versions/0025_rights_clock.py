"""What happens to the clock of an information request (V-26), and requests that count as given up.

Revision ID: 0025
Revises: 0024
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_CLOCK = """
ALTER TABLE rights_request
    ADD COLUMN clock jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN supplement_due_on date,
    DROP CONSTRAINT ck_rights_request_status,
    ADD CONSTRAINT ck_rights_request_status CHECK (
        status IN ('received', 'verified', 'decided', 'done', 'withdrawn', 'abandoned'));
CREATE INDEX ix_rights_request_supplement_due_on ON rights_request (supplement_due_on)
    WHERE supplement_due_on IS NOT NULL AND status IN ('received', 'verified');
"""


def upgrade() -> None:
    execute_script(op, _CLOCK)


def downgrade() -> None:
    raise RuntimeError("what was told to applicants stays known")
