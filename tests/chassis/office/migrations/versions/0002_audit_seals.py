"""Seals of audit lines."""

from alembic import op

from services.chassis import ground

revision = "0002_audit_seals"
down_revision = "0001_initial"


def upgrade() -> None:
    """The chassis's tables of evidence."""
    ground.apply(op, 2)
