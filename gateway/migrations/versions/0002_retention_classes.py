"""Retention classes from the closed list; the audit lines say that they are only added to.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Comments only."""
    execute_script(
        op,
        """
        COMMENT ON TABLE client IS 'retention: client';
        COMMENT ON TABLE client_key IS 'retention: client';
        COMMENT ON TABLE used_assertion IS 'retention: expiry; until the assertion expires';
        COMMENT ON TABLE audit_line IS 'retention: years-3; append-only';
        """,
    )


def downgrade() -> None:
    """Words go no way back."""
