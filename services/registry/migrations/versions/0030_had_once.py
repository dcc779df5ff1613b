"""What a human has once at most, as one list: merging asks it of open stays, employments with one employer, old papers and
relationships, too; stays and employments are those of the human.

Revision ID: 0030
Revises: 0029
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_HAD_ONCE = """
-- What these ids have in force of which a human has one at most: of the kind, and of the same `slot` within it.
CREATE FUNCTION things_had_once(ids uuid[]) RETURNS TABLE (kind text, thing_id uuid, slot text) LANGUAGE sql STABLE AS $$
    SELECT 'residence_registration', r.registration_id, '' FROM residence_registration r
        WHERE r.person_id = ANY (ids) AND r.status = 'current'
    UNION ALL
    SELECT 'residence_permit', m.permit_id, '' FROM residence_permit m
        WHERE m.person_id = ANY (ids) AND m.status IN ('accepted', 'valid', 'suspended')
    UNION ALL
    SELECT 'stay', s.stay_id, '' FROM stay s WHERE s.person_id = ANY (ids) AND s.ended_at IS NULL
    UNION ALL
    SELECT 'employment', e.employment_id, CAST(e.employer_id AS text) FROM employment e
        WHERE e.person_id = ANY (ids) AND e.ended_on IS NULL
    UNION ALL
    SELECT 'historical_permit', h.historical_permit_id, concat_ws(' ', h.kind, h.issued_on) FROM historical_permit h
        WHERE h.person_id = ANY (ids) AND h.annulled_on IS NULL
    UNION ALL
    SELECT 'relationship', r.relationship_id, concat_ws(' ', r.kind, canonical_id(r.related_person_id),
            CASE WHEN r.kind IN ('parent', 'guardian') THEN 'of this human' END)
        FROM relationship r WHERE r.person_id = ANY (ids) AND r.ended_on IS NULL
    UNION ALL
    SELECT 'relationship', r.relationship_id, concat_ws(' ', r.kind, canonical_id(r.person_id))
        FROM relationship r WHERE r.related_person_id = ANY (ids) AND r.ended_on IS NULL
$$;

ALTER TABLE merge_conflict DROP CONSTRAINT ck_merge_conflict_kind;
ALTER TABLE merge_conflict ADD CONSTRAINT ck_merge_conflict_kind CHECK (kind IN (
    'residence_registration', 'residence_permit', 'stay', 'employment', 'historical_permit', 'relationship'));

-- What the ids of the human before a merge and the duplicate both have.
CREATE FUNCTION open_conflicts(merge uuid, canonical uuid, before uuid[], duplicate uuid, at timestamptz) RETURNS void
LANGUAGE sql VOLATILE AS $$
    INSERT INTO merge_conflict (conflict_id, merge_id, person_id, kind, canonical_thing_id, duplicate_thing_id, created_at)
    SELECT gen_random_uuid(), merge, canonical, k.kind, k.thing_id, d.thing_id, at
    FROM things_had_once(before) k JOIN things_had_once(ARRAY[duplicate]) d USING (kind, slot)
    WHERE NOT EXISTS (SELECT FROM merge_conflict c WHERE (c.merge_id, c.canonical_thing_id, c.duplicate_thing_id)
        = (merge, k.thing_id, d.thing_id))
$$;

-- Merges that stand already are asked the new questions.
SELECT open_conflicts(a.merge_id, a.canonical_person_id, a.canonical_person_id || ARRAY(
        SELECT o.person_id FROM person_alias o WHERE o.canonical_person_id = a.canonical_person_id AND o.unmerged_on IS NULL
            AND (o.created_at, o.merge_id) < (a.created_at, a.merge_id)),
    a.person_id, now())
FROM person_alias a WHERE a.unmerged_on IS NULL;
"""

# Of revision 0011.
_MERGING = """
CREATE OR REPLACE FUNCTION merge_persons(
    merge uuid, duplicate uuid, canonical uuid, why text, papers bytea, on_day date, at timestamptz
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    before uuid[];
BEGIN
    IF (SELECT count(DISTINCT d.person_id) FROM person_division d WHERE d.person_id IN (duplicate, canonical)) < 2 THEN
        RAISE EXCEPTION 'the persons are not in sight' USING ERRCODE = 'insufficient_privilege';
    END IF;
    asked_as := widen_row_context();
    before := ids_of_human(canonical);
    INSERT INTO person_alias
        (merge_id, person_id, canonical_person_id, reason, merged_on, sealed, version, created_at, updated_at)
    VALUES (merge, duplicate, canonical, why, on_day, papers, 1, at, at);
    INSERT INTO person_resolution (person_id, client_id, expires_at)
    SELECT canonical, r.client_id, r.expires_at FROM person_resolution r WHERE r.person_id = duplicate
    ON CONFLICT DO NOTHING;
    PERFORM open_conflicts(merge, canonical, before, duplicate, at);
    PERFORM share_holds(canonical);
    PERFORM narrow_row_context(asked_as);
END $$;

-- Whether a human still has twice what there is once at most; the things may lie in towns out of sight.
CREATE OR REPLACE FUNCTION is_conflict_open(conflict uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    is_open boolean;
BEGIN
    SELECT a.unmerged_on IS NULL AND 2 = (SELECT count(DISTINCT t.thing_id) FROM things_had_once(ids_of_human(c.person_id)) t
        WHERE t.thing_id IN (c.canonical_thing_id, c.duplicate_thing_id))
    INTO is_open FROM merge_conflict c JOIN person_alias a USING (merge_id) WHERE c.conflict_id = conflict;
    PERFORM narrow_row_context(asked_as);
    RETURN is_open;
END $$;
"""

# Of revisions 0010 and 0014, for every id of the human.
_OF_THE_HUMAN = """
CREATE OR REPLACE FUNCTION open_stay_of(of_person uuid) RETURNS SETOF stay LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
BEGIN
    IF EXISTS (SELECT FROM person WHERE person_id = of_person) THEN
        asked_as := widen_row_context();
        RETURN QUERY SELECT * FROM stay WHERE person_id = ANY (ids_of_human(of_person)) AND ended_at IS NULL;
        PERFORM narrow_row_context(asked_as);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION end_stay(
    of_person uuid, open_stay uuid, ends_at timestamptz, reason text, is_late boolean, next_version integer, at timestamptz
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text := widen_row_context();
    guests uuid[] := ids_of_human(of_person);
    is_done boolean;
BEGIN
    PERFORM narrow_row_context(asked_as);
    IF NOT EXISTS (SELECT FROM stay WHERE stay_id = open_stay)
        AND NOT EXISTS (SELECT FROM person WHERE person_id = ANY (guests)) THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    UPDATE stay SET ended_at = ends_at, end_reason = reason, end_reported_late = is_late, version = next_version,
        updated_at = at
        WHERE stay_id = open_stay AND person_id = of_person AND ended_at IS NULL AND version = next_version - 1;
    is_done := FOUND;
    PERFORM narrow_row_context(asked_as);
    RETURN is_done;
END $$;

CREATE OR REPLACE FUNCTION open_employment_of(of_person uuid, at_employer uuid) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
    found uuid;
BEGIN
    IF EXISTS (SELECT FROM person WHERE person_id = of_person) THEN
        asked_as := widen_row_context();
        SELECT employment_id INTO found FROM employment
            WHERE person_id = ANY (ids_of_human(of_person)) AND employer_id = at_employer AND ended_on IS NULL
            ORDER BY started_on, employment_id LIMIT 1;
        PERFORM narrow_row_context(asked_as);
    END IF;
    RETURN found;
END $$;
"""


def upgrade() -> None:
    """The list, who asks it, and what is the human's under every id."""
    for script in (_HAD_ONCE, _MERGING, _OF_THE_HUMAN):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what was put before a human stays so")
