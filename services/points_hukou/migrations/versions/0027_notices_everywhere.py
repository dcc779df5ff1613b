"""A public notice is public: any window shows it and takes objections, whichever office runs the round (P-25, P-26).

Revision ID: 0027
Revises: 0026
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE round_objection ADD COLUMN taken_in text;
"""

# Each answers of a round in sight, or of one whose list was published; nobody is told more of another office's round.
_DOORS = """
CREATE FUNCTION is_round_published(in_round uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    found boolean;
BEGIN
    SELECT EXISTS (SELECT FROM round r WHERE r.round_id = in_round AND r.status = 'published') INTO found;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;

-- The round; with `hold` as it is until the commit: it is not ranked meanwhile.
CREATE FUNCTION noticed_round(in_round uuid, hold boolean) RETURNS SETOF round LANGUAGE plpgsql AS $$
DECLARE
    in_sight boolean := EXISTS (SELECT FROM round r WHERE r.round_id = in_round);
    asked_as text := widen_row_context();
BEGIN
    IF hold THEN
        PERFORM FROM round r WHERE r.round_id = in_round FOR SHARE;
    END IF;
    RETURN QUERY SELECT r.* FROM round r
        WHERE r.round_id = in_round AND (in_sight OR r.status IN ('published', 'finished'));
    PERFORM narrow_row_context(asked_as);
END $$;

-- A page of the list that stands, the best first. What is sealed of it the notice shows masked.
CREATE FUNCTION notice_of_round(in_round uuid, after_rank integer, after_id uuid, at_most integer) RETURNS TABLE (
    place_id uuid, round_id uuid, application_id uuid, person_id uuid, assessment_id uuid, town text, rank integer, outcome text,
    given_up_on date, moved_up_on date, ranking integer, superseded_on date, lowered_on date, sealed bytea, person_key_id uuid,
    person_key_suite smallint, person_key_wrapped bytea
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    in_sight boolean := EXISTS (SELECT FROM round r WHERE r.round_id = in_round);
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY
    SELECT p.place_id, p.round_id, p.application_id, p.person_id, p.assessment_id, p.town, p.rank, p.outcome, p.given_up_on,
        p.moved_up_on, p.ranking, p.superseded_on, p.lowered_on, p.sealed, k.key_id, k.suite, k.wrapped
    FROM round r JOIN round_place p ON p.round_id = r.round_id AND p.ranking = r.rankings
    LEFT JOIN person_key k ON k.person_id = p.person_id
    WHERE r.round_id = in_round AND (in_sight OR r.status IN ('published', 'finished'))
        AND (after_rank IS NULL OR (p.rank, p.place_id) > (after_rank, after_id))
    ORDER BY p.rank, p.place_id LIMIT at_most;
    PERFORM narrow_row_context(asked_as);
END $$;

-- Whose place an application has on that list; nobody is erased before the commit.
CREATE FUNCTION hold_noticed_place(in_round uuid, of_application uuid) RETURNS TABLE (person_id uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    in_sight boolean := EXISTS (SELECT FROM round r WHERE r.round_id = in_round);
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY
    SELECT m.person_id FROM round r
    JOIN round_place p ON p.round_id = r.round_id AND p.ranking = r.rankings AND p.application_id = of_application
    JOIN mirror_person m ON m.person_id = p.person_id
    WHERE r.round_id = in_round AND (in_sight OR r.status = 'published') FOR KEY SHARE OF m;
    PERFORM narrow_row_context(asked_as);
END $$;
"""

# An objection is the business of the office that runs the round, and of the window that took it.
_POLICIES = """
DROP POLICY offices_see ON round_objection;
CREATE POLICY offices_see ON round_objection FOR SELECT
    USING (EXISTS (SELECT FROM round r WHERE r.round_id = round_objection.round_id) OR is_in_row_division(taken_in));
DROP POLICY offices_take ON round_objection;
CREATE POLICY offices_take ON round_objection FOR INSERT
    WITH CHECK (EXISTS (SELECT FROM round r WHERE r.round_id = round_objection.round_id)
        OR is_in_row_division(taken_in) AND is_round_published(round_id));
"""


def upgrade() -> None:
    """Which window took an objection, who sees it, and what is asked beyond a client's own rows."""
    execute_script(op, _COLUMNS)
    execute_script(op, _DOORS)
    execute_script(op, _POLICIES)


def downgrade() -> None:
    raise RuntimeError("what was said stays known")
