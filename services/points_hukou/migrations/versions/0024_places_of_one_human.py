"""Two places of final lists turn out to be one human's: put before people like two open applications (architecture §1, P-08).

Revision ID: 0024
Revises: 0023
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_INDEX = """
CREATE INDEX ix_round_place_application_id ON round_place (application_id)
    WHERE superseded_on IS NULL AND outcome = 'admitted' AND given_up_on IS NULL;
"""

_DOORS = """
-- Of revision 0018, with places: pairs of applications for the same of which a human may have one, both open, or both holding a
-- place of a final list that the other kept its human from (as `claims_of` has it: handed in before that list was final).
CREATE OR REPLACE FUNCTION applications_in_conflict(humans uuid[]) RETURNS TABLE (
    person_id uuid, purpose text, application_id uuid, other_application_id uuid, division_codes text[]
) LANGUAGE sql STABLE AS $$
    WITH named AS (
        SELECT h.human, h.human AS id FROM unnest(humans) AS h (human)
        UNION ALL
        SELECT m.canonical_person_id, m.person_id FROM mirror_person_alias m
        WHERE m.canonical_person_id = ANY (humans) AND m.unmerged_on IS NULL
    ), claim AS (
        SELECT n.human, true AS is_for_child, a.purpose, a.application_id, a.division_code, a.status, a.applied_on
        FROM named n JOIN application a ON a.for_person_id = n.id
        UNION
        SELECT n.human, false, a.purpose, a.application_id, a.division_code, a.status, a.applied_on
        FROM named n JOIN application a ON a.person_id = n.id AND a.for_person_id IS NULL
        UNION
        SELECT n.human, false, a.purpose, a.application_id, a.division_code, a.status, a.applied_on
        FROM named n JOIN application a ON a.family_person_ids @> ARRAY[n.id] AND a.for_person_id IS NULL
    ), standing AS (
        SELECT c.*, CAST(NULL AS date) AS held_since FROM claim c WHERE c.status IN ('received', 'scored', 'in_recheck')
        UNION ALL
        SELECT c.*, r.finished_on FROM claim c
        JOIN round_place p ON p.application_id = c.application_id
            AND p.superseded_on IS NULL AND p.outcome = 'admitted' AND p.given_up_on IS NULL
        JOIN round r ON r.round_id = p.round_id AND r.status = 'finished'
        WHERE c.status <> 'withdrawn'
    )
    SELECT DISTINCT one.human, one.purpose, one.application_id, other.application_id,
        ARRAY[one.division_code, other.division_code]
    FROM standing one JOIN standing other
        ON (other.human, other.is_for_child, other.purpose) = (one.human, one.is_for_child, one.purpose)
        AND other.application_id > one.application_id
    WHERE one.held_since IS NULL AND other.held_since IS NULL
        OR one.applied_on <= other.held_since AND other.applied_on <= one.held_since
$$;

-- The open conflicts an application stands in, whatever office has the other one: who acts on it has to know that it must wait.
CREATE FUNCTION open_conflicts_of(of_application uuid) RETURNS TABLE (conflict_id uuid) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY SELECT c.conflict_id FROM application_conflict c
    WHERE of_application IN (c.application_id, c.other_application_id) AND is_application_conflict_open(c.conflict_id)
    ORDER BY c.conflict_id;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """The index by which places of an application are found, and what is asked beyond a client's own rows."""
    execute_script(op, _INDEX)
    execute_script(op, _DOORS)


def downgrade() -> None:
    raise RuntimeError("what was put before people stays known")
