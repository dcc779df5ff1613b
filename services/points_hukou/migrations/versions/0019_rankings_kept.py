"""A ranking that was replaced stays known; who ranked, published, finished; terms that are only guessed; doors for rounds.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# What is published now may have been counted by a guessed calendar: it is counted anew by the job that settles such terms.
_COLUMNS = """
ALTER TABLE round ADD COLUMN rankings integer DEFAULT 1 NOT NULL, ADD COLUMN ranked_by text, ADD COLUMN published_by text,
    ADD COLUMN finished_by text, ADD COLUMN is_notice_provisional boolean DEFAULT false NOT NULL,
    ADD COLUMN is_objections_provisional boolean DEFAULT false NOT NULL;
UPDATE round SET rankings = 0 WHERE ranked_on IS NULL;
UPDATE round SET is_notice_provisional = true, is_objections_provisional = true WHERE status = 'published';
ALTER TABLE round ALTER COLUMN rankings DROP DEFAULT, ALTER COLUMN is_notice_provisional DROP DEFAULT,
    ALTER COLUMN is_objections_provisional DROP DEFAULT, ADD CONSTRAINT ck_round_rankings CHECK (rankings >= 0);

ALTER TABLE round_place ADD COLUMN ranking integer DEFAULT 1 NOT NULL, ADD COLUMN superseded_on date;
ALTER TABLE round_place ALTER COLUMN ranking DROP DEFAULT, ADD CONSTRAINT ck_round_place_ranking CHECK (ranking > 0);
DROP INDEX uq_round_place_application, ix_round_place_rank;
CREATE UNIQUE INDEX uq_round_place_application ON round_place (round_id, ranking, application_id);
CREATE INDEX ix_round_place_rank ON round_place (round_id, ranking, rank, place_id);
DROP POLICY offices_rank_again ON round_place;

ALTER TABLE round_objection ADD COLUMN overdue_told_for date;
CREATE INDEX ix_round_objection_due_on ON round_objection (due_on) WHERE status = 'open';
"""

_SEALS = """
-- As of revision 0017, for places, and what was said of them.
CREATE INDEX ix_round_place_under_service_key ON round_place (place_id) WHERE get_byte(sealed, 0) & 192 = 0;
CREATE INDEX ix_round_objection_under_service_key ON round_objection (objection_id) WHERE get_byte(sealed, 0) & 192 = 0;
"""

_DOORS = """
-- Of revision 0016, by rankings that stand.
CREATE OR REPLACE FUNCTION claims_of(asked uuid[], in_round uuid, for_use text, on_day date)
RETURNS TABLE (application_id uuid, humans uuid[], is_spent boolean) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY
    WITH held AS MATERIALIZED (
        SELECT p.application_id, max(coalesce(r.finished_on, CAST('infinity' AS date))) AS until_day
        FROM round_place p JOIN round r ON r.round_id = p.round_id
        WHERE r.purpose = for_use AND r.round_id <> in_round AND r.status <> 'cancelled'
            AND p.superseded_on IS NULL AND p.outcome = 'admitted' AND p.given_up_on IS NULL
        GROUP BY p.application_id
    ), meant AS MATERIALIZED (
        SELECT a.* FROM application a WHERE a.application_id = ANY (asked)
        UNION
        SELECT a.* FROM application a JOIN held h ON h.application_id = a.application_id
    ), named AS MATERIALIZED (
        SELECT a.application_id, a.for_person_id IS NULL AS is_family, coalesce(m.canonical_person_id, n.id) AS human
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

-- Whether a household transfer rests on a place, in whatever office: told as yes or no.
CREATE FUNCTION is_place_used(in_round uuid, of_application uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    found boolean;
BEGIN
    SELECT EXISTS (SELECT FROM household_transfer t WHERE t.round_id = in_round AND t.application_id = of_application
        AND t.status <> 'withdrawn') INTO found;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;

-- The masked names of who handed in these applications, wherever they live now: of applications in sight alone. Their rows are
-- held, so that nobody is erased before what is written of them.
CREATE FUNCTION names_of_applicants(asked uuid[]) RETURNS TABLE (person_id uuid, masked_name text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    applicants uuid[] := ARRAY(SELECT DISTINCT a.person_id FROM application a WHERE a.application_id = ANY (asked));
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY SELECT m.person_id, m.masked_name FROM mirror_person m WHERE m.person_id = ANY (applicants)
        ORDER BY m.person_id FOR KEY SHARE;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """The columns, and what is asked beyond a client's own rows."""
    execute_script(op, _COLUMNS)
    execute_script(op, _SEALS)
    execute_script(op, _DOORS)


def downgrade() -> None:
    raise RuntimeError("what was published stays known")
