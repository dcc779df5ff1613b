"""Facts of a person in one round trip, and those of a family by the case it applied with; rechecks are counted.

Revision ID: 0017
Revises: 0016
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_RECHECKS = """
ALTER TABLE application ADD COLUMN rechecks_asked integer DEFAULT 0 NOT NULL;
ALTER TABLE application ADD CONSTRAINT ck_application_rechecks_asked CHECK (rechecks_asked >= 0);

-- Every recheck so far left an assessment of the applicant or waits for its own; refusals of what the machine decided alone were
-- not told apart, and count.
DO $$
DECLARE
    asked bigint := (SELECT count(*) FROM application WHERE recheck_asked_on IS NOT NULL);
    counted bigint;
BEGIN
    UPDATE application a SET rechecks_asked = greatest(1, CAST(a.status = 'in_recheck' AS integer) + (
        SELECT count(DISTINCT s.created_at) FROM assessment s
        WHERE s.application_id = a.application_id AND s.kind = 'recheck'))
    WHERE a.recheck_asked_on IS NOT NULL;
    GET DIAGNOSTICS counted = ROW_COUNT;
    IF counted <> asked THEN
        RAISE EXCEPTION '% of % applications with a recheck counted', counted, asked;
    END IF;
END $$;
"""

_SEALS = """
-- Words and scores under the service's key, which the job `seal-under-person-keys` takes from it: a migration has no keys.
CREATE INDEX ix_application_under_service_key ON application (application_id) WHERE get_byte(sealed, 0) & 192 = 0;
CREATE INDEX ix_assessment_under_service_key ON assessment (assessment_id) WHERE get_byte(sealed, 0) & 192 = 0;
"""

_DOORS = """
-- Whoever scores an application holds its people, in order, under the ids it names and those they are known by now, also those who have left the
-- office's sight since: the case is open there (architecture §6). An erasure waits, or has been; who is not told is no more.
CREATE FUNCTION hold_applicants(of_application uuid) RETURNS TABLE (asked_id uuid, person_id uuid)
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    named uuid[] := (SELECT a.person_id || a.family_person_ids FROM application a WHERE a.application_id = of_application);
    asked_as text := widen_row_context();
    known uuid[];
BEGIN
    SELECT array_agg(h.person_id) INTO known FROM (
        SELECT m.person_id FROM mirror_person m
        WHERE m.person_id = ANY (named) OR m.person_id IN (
            SELECT a.canonical_person_id FROM mirror_person_alias a
            WHERE a.person_id = ANY (named) AND a.unmerged_on IS NULL)
        ORDER BY m.person_id FOR UPDATE OF m
    ) h;
    RETURN QUERY SELECT DISTINCT w.id, coalesce(a.canonical_person_id, w.id) FROM unnest(named) AS w (id)
        LEFT JOIN mirror_person_alias a ON a.person_id = w.id AND a.unmerged_on IS NULL
        WHERE coalesce(a.canonical_person_id, w.id) = ANY (known);
    PERFORM narrow_row_context(asked_as);
END $$;

-- Everything known of humans on a day that a rule set asks for, of those whose file the client sees and of the people of an
-- application it sees. That is asked once of each human; policies would ask it of every row. Of each human first a row of what
-- the registry told, with the id in use first among its ids and its birth date among the birth dates; then one for every word of an
-- office that holds on the day, with the key it is sealed under.
--
-- A series is what one office says of one fact on one rung, under whatever id. A later word takes the place of an earlier one
-- from its own first day on – that of a fact without days in it is the day of the knowledge, unless it says since when –, and
-- of one day it corrects at once, where there is a day on which both would count. What is withdrawn brings nothing back. So
-- of all that is later in a series two numbers decide: until when the longest counts of what has begun, and when the first begins
-- of what was said as of the same day.
--
-- `is_later`: of a fact without days in it, knowledge of a later day that does not say since when. It counts for nothing then.
CREATE FUNCTION known_of(
    persons uuid[], of_application uuid, rule_sets text[], facts text[], undated text[], on_day date
) RETURNS TABLE (
    human uuid, ids uuid[], birth_dates date[], residences jsonb, permits jsonb, jobs jsonb,
    evidence_id uuid, person_id uuid, fact text, organisation text, reliability text, as_of date, sealed bytea,
    is_contested boolean, is_later boolean, person_key_id uuid, person_key_suite smallint, person_key_wrapped bytea
) LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    of_case uuid[] := (SELECT a.person_id || a.family_person_ids FROM application a WHERE a.application_id = of_application);
    asked_as text := widen_row_context();
    humans uuid[];
BEGIN
    SELECT array_agg(DISTINCT p.person_id) INTO humans FROM unnest(persons) AS w (id)
    LEFT JOIN mirror_person_alias a ON a.person_id = w.id AND a.unmerged_on IS NULL
    JOIN mirror_person p ON p.person_id = coalesce(a.canonical_person_id, w.id)
    WHERE asked_as = 'service' OR w.id = ANY (of_case) OR is_file_visible(p.person_id);

    RETURN QUERY
    SELECT k.human, k.ids,
        ARRAY(SELECT m.birth_date FROM mirror_person m WHERE m.person_id = ANY (k.ids)
            ORDER BY array_position(k.ids, m.person_id)),
        (SELECT coalesce(jsonb_agg(jsonb_build_array(r.registered_on, r.residence_since, r.ended_on, r.end_reason,
                r.residence_kind)), '[]')
            FROM mirror_residence_registration r WHERE r.person_id = ANY (k.ids)),
        (SELECT coalesce(jsonb_agg(jsonb_build_array(t.issued_on, t.residence_years_from, t.suspended_on, t.ended_on)), '[]')
            FROM mirror_residence_permit t WHERE t.person_id = ANY (k.ids)),
        (SELECT coalesce(jsonb_agg(jsonb_build_array(e.employer_id, e.started_on, e.ended_on, e.end_reason)), '[]')
            FROM mirror_employment e WHERE e.person_id = ANY (k.ids)),
        NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::text, NULL::date, NULL::bytea, NULL::boolean, NULL::boolean,
        NULL::uuid, NULL::smallint, NULL::bytea
    FROM (
        SELECT h.human, h.human || ARRAY(SELECT a.person_id FROM mirror_person_alias a
            WHERE a.canonical_person_id = h.human AND a.unmerged_on IS NULL ORDER BY a.person_id) AS ids
        FROM unnest(humans) AS h (human)
    ) k;

    RETURN QUERY
    WITH named AS MATERIALIZED (
        SELECT h.human, h.human AS id FROM unnest(humans) AS h (human)
        UNION ALL
        SELECT a.canonical_person_id, a.person_id FROM mirror_person_alias a
        WHERE a.canonical_person_id = ANY (humans) AND a.unmerged_on IS NULL
    ), word AS (
        SELECT n.human, e.*,
            e.valid_from IS NULL AND e.fact = ANY (undated) AND e.as_of > on_day AS is_later,
            coalesce(e.valid_from, CASE WHEN e.fact = ANY (undated) THEN e.as_of ELSE '-infinity' END) AS begins
        FROM named n JOIN evidence e ON e.person_id = n.id
        WHERE e.rule_set = ANY (rule_sets) AND e.fact = ANY (facts)
    ), placed AS (
        SELECT w.*,
            max(coalesce(w.valid_until, 'infinity')) FILTER (WHERE w.begins <= on_day) OVER (
                PARTITION BY w.human, w.rule_set, w.fact, w.organisation, w.reliability
                ORDER BY w.as_of DESC, w.created_at DESC, w.evidence_id DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later_until,
            min(coalesce(w.valid_from, '-infinity')) FILTER (WHERE w.begins > on_day) OVER (
                PARTITION BY w.human, w.rule_set, w.fact, w.organisation, w.reliability, w.as_of
                ORDER BY w.created_at DESC, w.evidence_id DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS corrected_from
        FROM word w
    )
    SELECT p.human, NULL::uuid[], NULL::date[], NULL::jsonb, NULL::jsonb, NULL::jsonb,
        p.evidence_id, p.person_id, p.fact, p.organisation, p.reliability, p.as_of, p.sealed,
        EXISTS (SELECT FROM evidence_contest c JOIN named o ON o.id = c.person_id
            WHERE c.status = 'open' AND o.human = p.human AND c.rule_set = p.rule_set AND c.fact = p.fact
                AND c.organisation = p.organisation),
        p.is_later, k.key_id, k.suite, k.wrapped
    FROM placed p LEFT JOIN person_key k ON k.person_id = p.person_id
    WHERE (p.status = 'current' OR p.status = 'superseded' AND NOT p.is_later
            AND (p.later_until > coalesce(p.valid_from, '-infinity')) IS NOT TRUE
            AND (p.corrected_from < coalesce(p.valid_until, 'infinity')) IS NOT TRUE)
        AND (p.valid_from IS NULL OR p.valid_from <= on_day)
        AND (p.valid_until IS NULL OR p.valid_until > on_day)
    ORDER BY p.human, p.evidence_id;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """A column, filled for what was asked so far, and the doors."""
    execute_script(op, _RECHECKS)
    execute_script(op, _SEALS)
    execute_script(op, _DOORS)


def downgrade() -> None:
    raise RuntimeError("what was counted stays counted")
