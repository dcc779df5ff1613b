"""Two citizen numbers of one human are a conflict (C-15), and what a human has twice is told with the lock on its rows.

Revision ID: 0035
Revises: 0034
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

# Of revision 0030, with `same`: things of one kind and slot that are the same are one thing twice. A paper renewed with its number
# is another document and the same number.
_HAD_ONCE = """
DROP FUNCTION things_had_once(uuid[]);
CREATE FUNCTION things_had_once(ids uuid[]) RETURNS TABLE (kind text, thing_id uuid, slot text, same text)
LANGUAGE sql STABLE AS $$
    SELECT t.kind, t.thing_id, t.slot, CAST(t.thing_id AS text) FROM (
        SELECT 'residence_registration' AS kind, r.registration_id AS thing_id, '' AS slot FROM residence_registration r
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
    ) t
    UNION ALL
    SELECT 'citizen_number', d.document_id, '', encode(d.number_index, 'hex') FROM identity_document d
        WHERE d.person_id = ANY (ids) AND d.type = 'citizen_id' AND d.superseded_at IS NULL
$$;

ALTER TABLE merge_conflict DROP CONSTRAINT ck_merge_conflict_kind;
ALTER TABLE merge_conflict ADD CONSTRAINT ck_merge_conflict_kind CHECK (kind IN ('residence_registration', 'residence_permit',
    'stay', 'employment', 'historical_permit', 'relationship', 'citizen_number'));

CREATE OR REPLACE FUNCTION open_conflicts(merge uuid, canonical uuid, before uuid[], duplicate uuid, at timestamptz)
RETURNS void LANGUAGE sql VOLATILE AS $$
    INSERT INTO merge_conflict (conflict_id, merge_id, person_id, kind, canonical_thing_id, duplicate_thing_id, created_at)
    SELECT gen_random_uuid(), merge, canonical, k.kind, k.thing_id, d.thing_id, at
    FROM things_had_once(before) k JOIN things_had_once(ARRAY[duplicate]) d USING (kind, slot)
    WHERE k.same <> d.same AND NOT EXISTS (SELECT FROM merge_conflict c
        WHERE (c.merge_id, c.canonical_thing_id, c.duplicate_thing_id) = (merge, k.thing_id, d.thing_id))
$$;

CREATE OR REPLACE FUNCTION is_conflict_open(conflict uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    is_open boolean;
BEGIN
    SELECT a.unmerged_on IS NULL AND 2 = (SELECT count(DISTINCT t.same) FROM things_had_once(ids_of_human(c.person_id)) t
        WHERE t.kind = c.kind AND t.same IN (
            SELECT coalesce(encode(d.number_index, 'hex'), CAST(g.id AS text))
            FROM unnest(ARRAY[c.canonical_thing_id, c.duplicate_thing_id]) AS g (id)
            LEFT JOIN identity_document d ON d.document_id = g.id))
    INTO is_open FROM merge_conflict c JOIN person_alias a USING (merge_id) WHERE c.conflict_id = conflict;
    PERFORM narrow_row_context(asked_as);
    RETURN is_open;
END $$;

-- A number that came in after the merge is put before a human like one that was there.
CREATE FUNCTION open_number_conflicts(of_person uuid, at timestamptz) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
BEGIN
    IF NOT EXISTS (SELECT FROM person_division d WHERE d.person_id = of_person AND d.until IS NULL) THEN
        RAISE EXCEPTION 'the person is not held' USING ERRCODE = 'insufficient_privilege';
    END IF;
    asked_as := widen_row_context();
    PERFORM open_conflicts(a.merge_id, a.canonical_person_id, array_remove(ids_of_human(a.canonical_person_id), a.person_id),
        a.person_id, at)
    FROM person_alias a WHERE a.canonical_person_id = of_person AND a.unmerged_on IS NULL;
    PERFORM narrow_row_context(asked_as);
END $$;

-- Merges that stand already are asked the new question.
SELECT open_conflicts(a.merge_id, a.canonical_person_id, a.canonical_person_id || ARRAY(
        SELECT o.person_id FROM person_alias o WHERE o.canonical_person_id = a.canonical_person_id AND o.unmerged_on IS NULL
            AND (o.created_at, o.merge_id) < (a.created_at, a.merge_id)),
    a.person_id, now())
FROM person_alias a WHERE a.unmerged_on IS NULL;
"""

# Of revision 0011, with the kinds of conflict that are open of the human, as they are once the rows are held.
_LOCKING = """
DROP FUNCTION lock_persons(uuid[]);
CREATE FUNCTION lock_persons(wanted uuid[]) RETURNS TABLE (
    person_id uuid, birth_date date, hukou_division_code text, document_types text[], is_visible boolean, is_held boolean,
    merged_into uuid, contested text[]
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
    locked uuid[] := '{}';
    humans uuid[];
BEGIN
    LOOP
        humans := ARRAY(SELECT DISTINCT i.id FROM unnest(wanted) AS w (id), unnest(ids_of_human(w.id)) AS i (id));
        EXIT WHEN locked @> humans;
        PERFORM FROM person WHERE person_id = ANY (humans) ORDER BY person_id FOR UPDATE;
        locked := humans;
    END LOOP;
    PERFORM narrow_row_context(asked_as);
    RETURN QUERY SELECT p.person_id, p.birth_date, p.hukou_division_code,
        ARRAY(SELECT d.type FROM identity_document d WHERE d.person_id = p.person_id AND d.superseded_at IS NULL),
        EXISTS (SELECT FROM person_division d WHERE d.person_id = p.person_id),
        EXISTS (SELECT FROM person_division d WHERE d.person_id = p.person_id AND d.until IS NULL),
        (SELECT a.canonical_person_id FROM person_alias a WHERE a.person_id = p.person_id AND a.unmerged_on IS NULL),
        ARRAY(SELECT DISTINCT c.kind FROM merge_conflict c
            WHERE c.person_id = canonical_id(p.person_id) AND is_conflict_open(c.conflict_id))
    FROM person p WHERE p.person_id = ANY (wanted);
END $$;
"""


def upgrade() -> None:
    """The list with numbers on it, and the lock that tells of conflicts."""
    for script in (_HAD_ONCE, _LOCKING):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what was put before a human stays so")
