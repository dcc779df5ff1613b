"""Whether a client sees a file is worked out once for a transaction, however many of its rows ask.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# Of revision 0014, under a name of its own.
_RULE = """
CREATE FUNCTION is_file_in_sight(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
DECLARE
    asked_as text := widen_row_context();
    human uuid;
    ids uuid[];
    is_visible boolean;
BEGIN
    human := coalesce((SELECT canonical_person_id FROM mirror_person_alias
        WHERE person_id = of_person AND unmerged_on IS NULL), of_person);
    ids := human || ARRAY(SELECT person_id FROM mirror_person_alias WHERE canonical_person_id = human AND unmerged_on IS NULL);
    SELECT count(*) = 0 AND starts_with(home_city(), row_division()) OR coalesce(bool_or(
        is_in_row_division(division_code)
        AND (ended_on IS NULL OR ended_on > CAST(row_law_date() - interval '24 months' AS date))), false)
    INTO is_visible FROM mirror_residence_registration WHERE person_id = ANY (ids);
    PERFORM narrow_row_context(asked_as);
    RETURN is_visible;
END $$;

-- What was seen is remembered until the transaction ends, with whose eyes and on which day; of what was not seen it is asked
-- again. Mirrors change by events, which are the service's own transactions, so nobody loses sight within one of a client's. A
-- list longer than some thousand ids costs more to look through than it spares.
CREATE OR REPLACE FUNCTION is_file_visible(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    eyes text := concat(row_division(), ' ', row_law_date(), ':');
    seen text := coalesce(current_setting('xinshimin.seen', true), '');
BEGIN
    IF row_division() IS NULL THEN
        RETURN false;
    END IF;
    IF NOT starts_with(seen, eyes) THEN
        seen := eyes;
    END IF;
    IF position(CAST(of_person AS text) IN seen) > 0 THEN
        RETURN true;
    END IF;
    IF NOT is_file_in_sight(of_person) THEN
        RETURN false;
    END IF;
    IF length(seen) < 100000 THEN
        PERFORM set_config('xinshimin.seen', concat(seen, of_person, ' '), true);
    END IF;
    RETURN true;
END $$;
"""


def upgrade() -> None:
    """The same answers, remembered."""
    execute_script(op, _RULE)


def downgrade() -> None:
    raise RuntimeError("what is remembered stays so")
