"""Accepted applications by their last day for issuing (RR-26), for the job that tells of late ones.

Revision ID: 0028
Revises: 0027
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_residence_permit_due_on ON residence_permit (due_on) WHERE status = 'accepted'")


def downgrade() -> None:
    op.execute("DROP INDEX ix_residence_permit_due_on")
