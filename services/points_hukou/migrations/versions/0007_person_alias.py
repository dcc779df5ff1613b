"""Merges of persons arrive as events, and may be taken back.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The table was empty so far: nothing wrote it.
_TABLES = """
ALTER TABLE mirror_person_alias
    ADD COLUMN unmerged_on date,
    ADD COLUMN version integer NOT NULL,
    ADD COLUMN sequence bigint NOT NULL,
    ADD COLUMN updated_at timestamptz NOT NULL,
    ADD CONSTRAINT ck_mirror_person_alias_guard CHECK (version > 0 AND sequence > 0);
"""

# Of revision 0006, for merges that stand.
_RULE = """
CREATE OR REPLACE FUNCTION is_file_visible(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
    human uuid;
    is_visible boolean;
BEGIN
    IF row_division() IS NULL THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    human := coalesce((SELECT canonical_person_id FROM mirror_person_alias
        WHERE person_id = of_person AND unmerged_on IS NULL), of_person);
    SELECT count(*) = 0 AND starts_with(home_city(), row_division()) OR coalesce(bool_or(
        is_in_row_division(division_code)
        AND (ended_on IS NULL OR ended_on > CAST(row_law_date() - interval '24 months' AS date))), false)
    INTO is_visible FROM mirror_residence_registration
    WHERE person_id = human
       OR person_id IN (SELECT person_id FROM mirror_person_alias WHERE canonical_person_id = human AND unmerged_on IS NULL);
    PERFORM narrow_row_context(asked_as);
    RETURN is_visible;
END $$;
"""


def upgrade() -> None:
    """What guards a mirror's row, and who sees a file."""
    execute_script(op, _TABLES)
    execute_script(op, _RULE)


def downgrade() -> None:
    raise RuntimeError("what was told stays told")
