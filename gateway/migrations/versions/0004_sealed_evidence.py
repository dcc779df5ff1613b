"""The audit lines of the gateway are sealed like those of every service.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The chassis's tables of evidence, and the epoch that a restore raises; there is no relay here."""
    ground.apply(op, 3)
    execute_script(
        op,
        """
        CREATE TABLE relay_state (epoch integer NOT NULL DEFAULT 1);
        INSERT INTO relay_state DEFAULT VALUES;
        COMMENT ON TABLE relay_state IS 'retention: service; one row, the epoch of audit checkpoints';
        COMMENT ON TABLE audit_seal IS 'retention: years-3; append-only, as the audit line';
        COMMENT ON TABLE audit_checkpoint IS
            'retention: years-3; append-only, as the audit lines it covers; the newest one past it stays';
        COMMENT ON TABLE audit_copy IS 'retention: service';
        """,
    )


def downgrade() -> None:
    raise RuntimeError("evidence is not taken back")
