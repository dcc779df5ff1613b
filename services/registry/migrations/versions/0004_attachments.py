"""Attachments.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

from services.chassis import ground

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The chassis's tables of attachments."""
    ground.apply(op, 4)


def downgrade() -> None:
    """Files stay in the store; their keys are gone with the tables."""
    op.execute("DROP TABLE attachment_unowned, attachment_reference, attachment")
