"""What is needed again is not deleted because it was due once; whoever lets a home is not deleted (V-19, V-20).

Revision ID: 0039
Revises: 0038
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_NEEDED = """
-- Whether the subject of a review in sight is needed again, or is somebody else's by now: asked when officers propose and decide,
-- as the daily job asks it (`store/retention_ends.py`).
CREATE FUNCTION is_needed_again(review uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    in_sight boolean := EXISTS (SELECT FROM retention_review r WHERE r.review_id = review);
    asked_as text := widen_row_context();
    found boolean;
BEGIN
    SELECT in_sight AND CASE r.retention_class
        WHEN 'person' THEN (EXISTS (SELECT FROM person_division d WHERE d.person_id = r.person_id AND d.until IS NULL)
    OR EXISTS (SELECT FROM person_alias a WHERE a.person_id = r.person_id AND a.unmerged_on IS NULL)
    OR
    EXISTS (SELECT FROM stay s WHERE s.person_id = ANY (ids_of_human(r.person_id)) AND s.ended_at IS NULL)
    OR EXISTS (SELECT FROM employment e WHERE e.person_id = ANY (ids_of_human(r.person_id)) AND e.ended_on IS NULL)
    OR EXISTS (SELECT FROM landlord l JOIN premises m ON m.landlord_id = l.landlord_id
        WHERE l.person_id = ANY (ids_of_human(r.person_id)) AND m.status = 'registered'))
        WHEN 'unregistered_person' THEN (NOT EXISTS (SELECT FROM (
    SELECT d.person_id AS subject_id, d.person_id, d.division_code, d.since AS ended_on FROM person_division d
    WHERE d.source = 'intake' AND d.until IS NULL AND d.since <= CAST(r.ended_on AS date)
        AND NOT EXISTS (SELECT FROM person_division o WHERE o.person_id = d.person_id AND o.source <> 'intake')
        AND NOT EXISTS (SELECT FROM stay s WHERE s.person_id = d.person_id AND s.ended_at IS NULL)
        AND NOT EXISTS (SELECT FROM employment e WHERE e.person_id = d.person_id AND e.ended_on IS NULL)
        AND NOT EXISTS (SELECT FROM landlord l WHERE l.person_id = d.person_id)
        AND NOT EXISTS (SELECT FROM relationship r WHERE r.person_id = d.person_id AND r.ended_on IS NULL)
        AND NOT EXISTS (SELECT FROM relationship r WHERE r.related_person_id = d.person_id AND r.ended_on IS NULL)
) e WHERE e.subject_id = r.subject_id))
        WHEN 'landlord' THEN (NOT EXISTS (SELECT FROM (
    SELECT l.landlord_id AS subject_id, CAST(NULL AS uuid) AS person_id, l.division_code, e.ended_on
    FROM landlord l, LATERAL (SELECT coalesce(greatest(
            (SELECT max(m.ended_on) FROM premises m WHERE m.landlord_id = l.landlord_id),
            (SELECT max(least(t.valid_until, t.ended_on)) FROM responsibility_letter t WHERE t.landlord_id = l.landlord_id)),
        CAST(l.created_at AT TIME ZONE 'Asia/Shanghai' AS date)) AS ended_on) e
    WHERE l.erased_on IS NULL AND e.ended_on <= CAST(r.ended_on AS date)
        AND NOT EXISTS (SELECT FROM premises m WHERE m.landlord_id = l.landlord_id AND m.status = 'registered')
) e WHERE e.subject_id = r.subject_id))
        WHEN 'premises' THEN (NOT EXISTS (SELECT FROM (
    SELECT m.premises_id AS subject_id, CAST(NULL AS uuid) AS person_id, m.division_code, m.ended_on FROM premises m
    WHERE m.ended_on <= CAST(r.ended_on AS date) AND m.erased_on IS NULL
        AND NOT EXISTS (SELECT FROM stay s WHERE s.premises_id = m.premises_id AND s.ended_at IS NULL)
) e WHERE e.subject_id = r.subject_id))
        WHEN 'employer' THEN (NOT EXISTS (SELECT FROM (
    SELECT m.employer_id AS subject_id, CAST(NULL AS uuid) AS person_id, m.division_code, m.ended_on FROM employer m
    WHERE m.ended_on <= CAST(r.ended_on AS date) AND m.erased_on IS NULL
        AND NOT EXISTS (SELECT FROM employment e WHERE e.employer_id = m.employer_id AND e.ended_on IS NULL)
) e WHERE e.subject_id = r.subject_id))
        END INTO found
    FROM retention_review r WHERE r.review_id = review;
    PERFORM narrow_row_context(asked_as);
    RETURN coalesce(found, false);
END $$;
"""

_OBSTACLES = """
DROP FUNCTION obstacles_to_erasure(uuid, uuid, date);
-- Of revision 0011, with homes that are let.
CREATE FUNCTION obstacles_to_erasure(of_person uuid, but uuid, today date)
RETURNS TABLE (has_registration boolean, has_permit boolean, has_case boolean, has_home boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    ids uuid[] := ids_of_human(of_person);
BEGIN
    RETURN QUERY SELECT
        EXISTS (SELECT FROM residence_registration r WHERE r.person_id = ANY (ids) AND r.status = 'current'),
        EXISTS (SELECT FROM residence_permit m
            WHERE m.person_id = ANY (ids) AND m.status IN ('accepted', 'valid', 'suspended')),
        EXISTS (SELECT FROM proposal p WHERE p.person_id = ANY (ids) AND p.status = 'open' AND p.expires_on >= today
            AND p.proposal_id IS DISTINCT FROM but AND p.act <> 'person.delete'),
        EXISTS (SELECT FROM landlord l JOIN premises m ON m.landlord_id = l.landlord_id
            WHERE l.person_id = ANY (ids) AND m.status = 'registered');
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """What stands against a deletion, asked beyond a client's own rows."""
    execute_script(op, _NEEDED)
    execute_script(op, _OBSTACLES)


def downgrade() -> None:
    raise RuntimeError("what was decided stays known")
