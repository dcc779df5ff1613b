"""Attachments.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Whoever sees a person whose file it is: named at the upload, or in a case that refers to the file.
_POLICIES = """
CREATE POLICY seen_with_the_person ON attachment FOR SELECT USING (
    EXISTS (SELECT FROM person_division d WHERE d.person_id = attachment.person_id OFFSET 0)
    OR EXISTS (
        SELECT FROM attachment_reference r JOIN person_division d ON d.person_id = r.person_id
        WHERE r.attachment_id = attachment.attachment_id OFFSET 0));
"""


def upgrade() -> None:
    """The chassis's tables of attachments, and who sees them with their persons."""
    ground.apply(op, 7)
    execute_script(op, _POLICIES)


def downgrade() -> None:
    """Files stay in the store; their keys are gone with the tables."""
    op.execute("DROP TABLE attachment_unowned, attachment_reference, attachment")
    op.execute("DROP FUNCTION hold_attachments, release_attachments")
