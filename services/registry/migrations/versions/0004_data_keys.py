"""Data keys lie in the database, wrapped.

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
    """The chassis's tables of data keys and their readers."""
    ground.apply(op, 4)
