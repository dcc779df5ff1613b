"""An employer's own client: it sees its employer and its own people, and reports those alone (decision 0018).

Revision ID: 0015
Revises: 0014
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_IS_OWN = "EXISTS (SELECT FROM employer e WHERE e.employer_id = employment.employer_id AND e.credit_code = row_unit())"

_POLICIES = f"""
-- A client that acts for one unit has the unit's name where others have the digits of their division.
CREATE FUNCTION row_unit() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN starts_with(row_division(), 'unit:') THEN substr(row_division(), 6) END;

CREATE POLICY units_see ON employer FOR SELECT USING (credit_code = row_unit());
CREATE POLICY units_see ON employment FOR SELECT USING ({_IS_OWN});
CREATE POLICY units_change ON employment FOR UPDATE USING ({_IS_OWN});
CREATE POLICY units_report_their_own ON employment AS RESTRICTIVE FOR INSERT WITH CHECK (row_unit() IS NULL OR {_IS_OWN});
"""


def upgrade() -> None:
    execute_script(op, _POLICIES)


def downgrade() -> None:
    op.execute("DROP POLICY units_report_their_own ON employment")
    op.execute("DROP POLICY units_change ON employment")
    op.execute("DROP POLICY units_see ON employment")
    op.execute("DROP POLICY units_see ON employer")
    op.execute("DROP FUNCTION row_unit")
