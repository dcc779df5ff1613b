"""Seals of audit lines and signed checkpoints.

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
    """The chassis's tables of evidence."""
    ground.apply(op, 3)


def downgrade() -> None:
    raise RuntimeError("evidence is not taken back")
