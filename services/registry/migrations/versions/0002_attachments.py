"""Attachments.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

from services.chassis import ground

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ground.apply(op, 2)


def downgrade() -> None:
    op.execute("DROP TABLE attachment_unowned, attachment_reference, attachment")
