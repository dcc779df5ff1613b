"""A ranking that nobody was shown keeps nobody from another round (P-08).

Revision ID: 0028
Revises: 0027
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_DOORS = """
-- Of revision 0025, by lists that were public: one that is only ranked may stay so for good. What is public once is never
-- cancelled, and no list goes public while somebody on it holds a place of another.
CREATE OR REPLACE FUNCTION claims_of(asked uuid[], in_round uuid, for_use text, on_day date, by_family boolean)
RETURNS TABLE (application_id uuid, humans uuid[], is_spent boolean) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY
    WITH held AS MATERIALIZED (
        SELECT p.application_id, max(coalesce(r.finished_on, CAST('infinity' AS date))) AS until_day
        FROM round_place p JOIN round r ON r.round_id = p.round_id
        WHERE r.purpose = for_use AND r.round_id <> in_round AND r.published_on IS NOT NULL
            AND p.superseded_on IS NULL AND p.outcome = 'admitted' AND p.given_up_on IS NULL
        GROUP BY p.application_id
    ), meant AS MATERIALIZED (
        SELECT a.* FROM application a WHERE a.application_id = ANY (asked)
        UNION
        SELECT a.* FROM application a JOIN held h ON h.application_id = a.application_id
    ), named AS MATERIALIZED (
        SELECT a.application_id, by_family AND a.for_person_id IS NULL AND a.application_id = ANY (asked) AS is_family, coalesce(m.canonical_person_id, n.id) AS human
        FROM meant a
        CROSS JOIN unnest(CASE WHEN a.for_person_id IS NULL THEN a.family_person_ids || a.person_id
            ELSE ARRAY[a.for_person_id] END) AS n (id)
        LEFT JOIN mirror_person_alias m ON m.person_id = n.id AND m.unmerged_on IS NULL
    ), married AS MATERIALIZED (
        SELECT coalesce(one.canonical_person_id, t.person_id) AS one,
            coalesce(other.canonical_person_id, t.related_person_id) AS other
        FROM mirror_relationship t
        LEFT JOIN mirror_person_alias one ON one.person_id = t.person_id AND one.unmerged_on IS NULL
        LEFT JOIN mirror_person_alias other ON other.person_id = t.related_person_id AND other.unmerged_on IS NULL
        WHERE t.kind = 'spouse' AND t.valid_from <= on_day AND (t.ended_on IS NULL OR on_day < t.ended_on)
    ), claim AS MATERIALIZED (
        SELECT n.application_id, n.human FROM named n
        UNION
        SELECT n.application_id, t.other FROM named n JOIN married t ON t.one = n.human WHERE n.is_family
        UNION
        SELECT n.application_id, t.one FROM named n JOIN married t ON t.other = n.human WHERE n.is_family
    ), spent AS (
        SELECT DISTINCT c.application_id
        FROM claim c JOIN application a ON a.application_id = c.application_id
        JOIN claim taken ON taken.human = c.human
        JOIN held h ON h.application_id = taken.application_id AND a.applied_on <= h.until_day
        WHERE c.application_id = ANY (asked)
    )
    SELECT c.application_id, array_agg(c.human), bool_or(s.application_id IS NOT NULL)
    FROM claim c LEFT JOIN spent s ON s.application_id = c.application_id
    WHERE c.application_id = ANY (asked)
    GROUP BY c.application_id;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """What is asked beyond a client's own rows."""
    execute_script(op, _DOORS)


def downgrade() -> None:
    raise RuntimeError("what was decided stays known")
