"""Attachments.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

from services.chassis import ground

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The chassis's tables of attachments."""
    ground.apply(op, 3)


def downgrade() -> None:
    """Files stay in the store; their keys are gone with the tables."""
    op.execute("DROP TABLE attachment_unowned, attachment_reference, attachment")
