"""A key per person protects the history.

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
    """The chassis's table of person keys."""
    ground.apply(op, 2)
