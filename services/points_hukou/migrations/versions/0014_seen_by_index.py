"""Who sees a file is found by index: the rule asked every registration there is, once for every row it looked at.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# As in 0007, the ids of the human first: `person_id = human OR person_id IN (…)` cannot be answered by an index.
_RULE = """
CREATE OR REPLACE FUNCTION is_file_visible(of_person uuid) RETURNS boolean LANGUAGE plpgsql STABLE
SET enable_seqscan = off AS $$
DECLARE
    asked_as text;
    human uuid;
    ids uuid[];
    is_visible boolean;
BEGIN
    IF row_division() IS NULL THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
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
"""

# As in 0010, by index too.
_DIVISIONS = """
CREATE OR REPLACE FUNCTION divisions_of_files(persons uuid[], seen_since date)
RETURNS TABLE (person_id uuid, division_codes text[]) LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY SELECT h.human, CASE WHEN count(r.division_code) = 0 THEN ARRAY[home_city()]
        ELSE coalesce(array_agg(DISTINCT r.division_code) FILTER (WHERE r.ended_on IS NULL OR r.ended_on > seen_since), '{}') END
    FROM (
        SELECT w.id AS human, w.id FROM unnest(persons) AS w (id)
        UNION
        SELECT a.canonical_person_id, a.person_id FROM mirror_person_alias a
        WHERE a.canonical_person_id = ANY (persons) AND a.unmerged_on IS NULL
    ) h LEFT JOIN mirror_residence_registration r ON r.person_id = h.id
    GROUP BY h.human;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """The same answers, by index."""
    for script in (_RULE, _DIVISIONS):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what is found by index stays so")
