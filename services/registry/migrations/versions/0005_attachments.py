"""Attachments.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

from services.chassis import ground

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The chassis's tables of attachments."""
    ground.apply(op, 5)


def downgrade() -> None:
    """Files stay in the store; their keys are gone with the tables."""
    op.execute("DROP TABLE attachment_unowned, attachment_reference, attachment")
