"""A village pairing names the employer of its credit code, when there is one.

Revision ID: 0027
Revises: 0026
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_EMPLOYERS = """
-- As `employer_of_code`, of many and only to be read: an organisation, to whoever has its complete code.
CREATE FUNCTION employers_of_codes(codes text[]) RETURNS SETOF employer LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY SELECT * FROM employer WHERE credit_code = ANY (codes);
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    execute_script(op, _EMPLOYERS)


def downgrade() -> None:
    op.execute("DROP FUNCTION employers_of_codes")
