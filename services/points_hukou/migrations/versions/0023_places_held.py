"""An office that has a household transfer asks after the place it rests on, whoever's round that is of.

Revision ID: 0023
Revises: 0022
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Both answer who sees the round, or has a case on that very place; nobody else is told anything.
_DOORS = """
CREATE FUNCTION may_ask_of_place(in_round uuid, of_application uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM round r WHERE r.round_id = in_round)
        OR EXISTS (SELECT FROM household_transfer t WHERE (t.round_id, t.application_id) = (in_round, of_application))
$$;

-- A place of a final list, if that human holds it by an application that is confirmed: when it became theirs, the figures it was
-- given for, the assessment that counts now. Round and application stay as they are until the commit: the place is not given
-- up, the application not withdrawn meanwhile.
CREATE FUNCTION hold_place(in_round uuid, of_application uuid, for_person uuid) RETURNS TABLE (
    rule_set_id uuid, finished_on date, moved_up_on date, place_id uuid, person_id uuid, assessment_id uuid,
    counted_assessment_id uuid, sealed bytea, person_key_id uuid, person_key_suite smallint, person_key_wrapped bytea
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    asked_as text;
BEGIN
    IF NOT may_ask_of_place(in_round, of_application) THEN
        RETURN;
    END IF;
    asked_as := widen_row_context();
    PERFORM FROM round r WHERE r.round_id = in_round FOR SHARE;
    PERFORM FROM application a WHERE a.application_id = of_application FOR SHARE;
    RETURN QUERY
    SELECT r.rule_set_id, r.finished_on, p.moved_up_on, p.place_id, p.person_id, p.assessment_id, a.counted_assessment_id,
        p.sealed, k.key_id, k.suite, k.wrapped
    FROM round r
    JOIN round_place p ON p.round_id = r.round_id AND p.ranking = r.rankings AND p.application_id = of_application
    JOIN application a ON a.application_id = p.application_id
    LEFT JOIN person_key k ON k.person_id = p.person_id
    LEFT JOIN mirror_person_alias holder ON holder.person_id = p.person_id AND holder.unmerged_on IS NULL
    LEFT JOIN mirror_person_alias mover ON mover.person_id = for_person AND mover.unmerged_on IS NULL
    WHERE r.round_id = in_round AND r.status = 'finished' AND p.outcome = 'admitted' AND p.given_up_on IS NULL
        AND a.status = 'confirmed'
        AND coalesce(holder.canonical_person_id, p.person_id) = coalesce(mover.canonical_person_id, for_person);
    PERFORM narrow_row_context(asked_as);
END $$;

-- The scores that count now of the application that holds a place: its own, and (`beside`) those of who else of the family was
-- scored in the same act.
CREATE FUNCTION scores_of_place(in_round uuid, of_application uuid) RETURNS TABLE (
    beside uuid, assessment_id uuid, person_id uuid, sealed bytea, person_key_id uuid, person_key_suite smallint,
    person_key_wrapped bytea
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text;
BEGIN
    IF NOT may_ask_of_place(in_round, of_application) THEN
        RETURN;
    END IF;
    asked_as := widen_row_context();
    RETURN QUERY
    SELECT nullif(c.assessment_id, s.assessment_id), s.assessment_id, s.person_id, s.sealed, k.key_id, k.suite, k.wrapped
    FROM application a
    JOIN assessment c ON c.assessment_id = a.counted_assessment_id
    JOIN assessment s ON s.application_id = c.application_id AND s.created_at = c.created_at
    LEFT JOIN person_key k ON k.person_id = s.person_id
    WHERE a.application_id = of_application ORDER BY s.assessment_id;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """What is asked beyond a client's own rows."""
    execute_script(op, _DOORS)


def downgrade() -> None:
    raise RuntimeError("what was decided stays known")
