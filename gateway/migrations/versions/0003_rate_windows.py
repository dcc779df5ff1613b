"""Uses counted for the rate limits of the token endpoint.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_script(
        op,
        """
        CREATE TABLE rate_window (
            policy text NOT NULL,
            subject text NOT NULL,
            window_start timestamptz NOT NULL,
            uses integer NOT NULL,
            CONSTRAINT pk_rate_window PRIMARY KEY (policy, subject)
        );
        CREATE INDEX ix_rate_window_window_start ON rate_window (window_start);
        COMMENT ON TABLE rate_window IS 'retention: expiry; an hour after its window began';
        """,
    )


def downgrade() -> None:
    execute_script(op, "DROP TABLE rate_window")
