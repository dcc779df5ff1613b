"""Searching in the order of ids, by employer too: the hits of a frequent name are read page by page, not sorted all together.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_KEYS = ("name_prefix_2", "name_prefix_3", "pinyin", "initials")
_INDEXES = "\n".join(
    f"DROP INDEX ix_person_search_key_{key};CREATE INDEX ix_person_search_key_{key} ON person_search_key ({key}, person_id);"
    for key in _KEYS
)
_OTHERS = """
DROP INDEX ix_person_name_index;
CREATE INDEX ix_person_name_index ON person (name_index, person_id);
CREATE INDEX ix_employment_current ON employment (employer_id, person_id) WHERE ended_on IS NULL;
"""
_EMPLOYER = """
-- Whoever has an employer's complete code may ask who works there, of those it sees, wherever the employer lies.
CREATE FUNCTION employer_id_of_code(code text) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    found uuid := (SELECT employer_id FROM employer WHERE credit_code = code);
BEGIN
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;
"""


def upgrade() -> None:
    for script in (_INDEXES, _OTHERS, _EMPLOYER):
        execute_script(op, script)


def downgrade() -> None:
    op.execute("DROP FUNCTION employer_id_of_code")
    op.execute("DROP INDEX ix_employment_current")
    op.execute("DROP INDEX ix_person_name_index")
    op.execute("CREATE INDEX ix_person_name_index ON person (name_index, birth_date)")
    for key in _KEYS:
        op.execute(f"DROP INDEX ix_person_search_key_{key}")
        op.execute(f"CREATE INDEX ix_person_search_key_{key} ON person_search_key ({key})")
