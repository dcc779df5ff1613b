"""Pairs of persons who may be one human, for an officer to look at (decision 0028).

Revision ID: 0024
Revises: 0023
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE duplicate_candidate (
    candidate_id uuid NOT NULL,
    person_id uuid NOT NULL,
    related_person_id uuid NOT NULL,
    likeness smallint NOT NULL,
    score integer,
    found_on date NOT NULL,
    decision text,
    decided_on date,
    shown_again_on date,
    proposal_id uuid,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_duplicate_candidate PRIMARY KEY (candidate_id),
    CONSTRAINT uq_duplicate_candidate_pair UNIQUE (person_id, related_person_id),
    CONSTRAINT fk_duplicate_candidate_person_id_person FOREIGN KEY (person_id) REFERENCES person (person_id) ON DELETE CASCADE,
    CONSTRAINT fk_duplicate_candidate_related_person_id_person
        FOREIGN KEY (related_person_id) REFERENCES person (person_id) ON DELETE CASCADE,
    CONSTRAINT ck_duplicate_candidate_pair CHECK (person_id < related_person_id),
    CONSTRAINT ck_duplicate_candidate_decision CHECK (decision IN ('same_person', 'different_persons', 'later')),
    CONSTRAINT ck_duplicate_candidate_decided CHECK ((decision IS NULL) = (decided_on IS NULL)),
    CONSTRAINT ck_duplicate_candidate_later CHECK ((shown_again_on IS NOT NULL) = (decision IS NOT DISTINCT FROM 'later')),
    CONSTRAINT ck_duplicate_candidate_version CHECK (version > 0)
);
CREATE INDEX ix_duplicate_candidate_score ON duplicate_candidate (score, candidate_id);
CREATE INDEX ix_duplicate_candidate_related_person_id ON duplicate_candidate (related_person_id);
COMMENT ON TABLE duplicate_candidate IS 'retention: person';
SELECT protect_rows('duplicate_candidate');
"""

_POLICIES = """
-- Whoever sees both persons; who holds one of them decides. Nobody enters a pair: the register finds them.
CREATE POLICY clients_see ON duplicate_candidate FOR SELECT USING (
    EXISTS (SELECT FROM person_division d WHERE d.person_id = duplicate_candidate.person_id OFFSET 0)
    AND EXISTS (SELECT FROM person_division d WHERE d.person_id = duplicate_candidate.related_person_id OFFSET 0));
CREATE POLICY holders_decide ON duplicate_candidate FOR UPDATE USING (
    EXISTS (SELECT FROM person_division d WHERE d.person_id = duplicate_candidate.person_id OFFSET 0)
    AND EXISTS (SELECT FROM person_division d WHERE d.person_id = duplicate_candidate.related_person_id OFFSET 0)
    AND EXISTS (SELECT FROM person_division d WHERE d.until IS NULL
        AND d.person_id IN (duplicate_candidate.person_id, duplicate_candidate.related_person_id) OFFSET 0));
CREATE POLICY duplicates_see ON history FOR SELECT USING (
    resource = 'duplicate_candidate'
    AND EXISTS (SELECT FROM duplicate_candidate c WHERE c.candidate_id = history.resource_id OFFSET 0));
"""

# What is compared of a person, over `k` and `p`. Names and phones are digests; the other columns are as they are.
_COMPARED = """k.pinyin, k.initials, k.phone, p.name_index, p.sex_code, left(p.hukou_division_code, 6) AS home, p.birth_date,
    CAST(extract(year FROM p.birth_date) AS integer) AS y, CAST(extract(month FROM p.birth_date) AS integer) AS m,
    CAST(extract(day FROM p.birth_date) AS integer) AS d"""
# The way `a` and `b` agree: `Likeness.code` of rules/duplicates.py but for the citizen numbers, from either side the same.
_TWO_NUMBERS = 216
_CODE = """CAST(
    CASE WHEN a.name_index = b.name_index THEN 3 WHEN a.pinyin = b.pinyin THEN 2 WHEN a.initials = b.initials THEN 1 ELSE 0 END
    + 4 * CASE WHEN a.birth_date = b.birth_date THEN 2
        WHEN CAST(a.y = b.y AS integer) + CAST(a.m = b.m AS integer) + CAST(a.d = b.d AS integer) = 2
            OR (a.y = b.y AND a.m = b.d AND a.d = b.m) THEN 1
        ELSE 0 END
    + 12 * CAST(a.sex_code = b.sex_code AS integer)
    + 24 * CASE WHEN a.home IS NULL OR b.home IS NULL THEN 0 WHEN a.home = b.home THEN 2 ELSE 1 END
    + 72 * CASE WHEN a.phone IS NULL OR b.phone IS NULL THEN 0 WHEN a.phone = b.phone THEN 2 ELSE 1 END
    AS smallint)"""
_IS_SHOWN = f"($3[code + 1] IS NOT NULL OR $3[code + 1 + {_TWO_NUMBERS}] IS NOT NULL)"
_IS_NO_ALIAS = "NOT EXISTS (SELECT FROM person_alias x WHERE x.person_id = {} AND x.unmerged_on IS NULL)"
_HAS_NUMBER = """EXISTS (SELECT FROM identity_document t
    WHERE t.person_id = {} AND t.type = 'citizen_id' AND t.superseded_at IS NULL)"""
_IS_SEEN = """EXISTS (SELECT FROM person_division h WHERE h.person_id = {} AND NOT h.is_restricted
    AND starts_with(h.division_code, within) AND (h.until IS NULL OR h.until > row_seen_since()))"""

_TODAY = "coalesce(row_law_date(), CAST(now() AT TIME ZONE 'Asia/Shanghai' AS date))"

_KEEPING = f"""
-- Pairs found, with their code but for the citizen numbers, and the score of every code. A pair that is there already is told anew
-- when it agrees in another way than before, whatever was decided then; of new ones each person gets the best few. Relatives
-- are two humans. Called where the context is the service's.
CREATE FUNCTION keep_duplicates(
    ones uuid[], others uuid[], codes smallint[], scores integer[], per_person integer, within text, at timestamptz
) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    WITH told AS MATERIALIZED (
        SELECT DISTINCT g.one, g.other, CAST(g.code + CASE
            WHEN {_HAS_NUMBER.format("g.one")} AND {_HAS_NUMBER.format("g.other")} THEN {_TWO_NUMBERS} ELSE 0 END
            AS smallint) AS likeness
        FROM unnest(ones, others, codes) AS g (one, other, code)
    ), scored AS (
        SELECT t.one, t.other, t.likeness, scores[t.likeness + 1] AS score, c.candidate_id,
            c.decision = 'different_persons' AND c.likeness = t.likeness AS is_decided
        FROM told t LEFT JOIN duplicate_candidate c ON c.person_id = t.one AND c.related_person_id = t.other
    ), changed AS (
        UPDATE duplicate_candidate c SET likeness = s.likeness, score = s.score, found_on = {_TODAY},
            decision = CASE WHEN c.likeness = s.likeness THEN c.decision END,
            decided_on = CASE WHEN c.likeness = s.likeness THEN c.decided_on END,
            shown_again_on = CASE WHEN c.likeness = s.likeness THEN c.shown_again_on END,
            proposal_id = CASE WHEN c.likeness = s.likeness THEN c.proposal_id END,
            version = c.version + 1, updated_at = at
        FROM scored s
        WHERE c.candidate_id = s.candidate_id AND (c.likeness, c.score) IS DISTINCT FROM (s.likeness, s.score)
        RETURNING c.score
    ), ranked AS (
        SELECT s.*, row_number() OVER (PARTITION BY s.one ORDER BY s.score DESC, s.other) AS place,
            row_number() OVER (PARTITION BY s.other ORDER BY s.score DESC, s.one) AS other_place
        FROM scored s
        WHERE s.score IS NOT NULL AND s.is_decided IS NOT TRUE
        AND {_IS_SEEN.format("s.one")} AND {_IS_SEEN.format("s.other")}
        AND NOT EXISTS (SELECT FROM relationship r WHERE r.ended_on IS NULL
            AND ((r.person_id = s.one AND r.related_person_id = s.other)
                OR (r.person_id = s.other AND r.related_person_id = s.one)))
    ), entered AS (
        INSERT INTO duplicate_candidate
            (candidate_id, person_id, related_person_id, likeness, score, found_on, version, created_at, updated_at)
        SELECT uuidv7(), r.one, r.other, r.likeness, r.score, {_TODAY}, 1, at, at FROM ranked r
        WHERE r.candidate_id IS NULL AND r.place <= per_person AND r.other_place <= per_person
        ORDER BY r.one, r.other
        ON CONFLICT DO NOTHING
        RETURNING score
    )
    SELECT (SELECT count(*) FROM entered) + (SELECT count(*) FROM changed WHERE score IS NOT NULL)
$$;
"""

_FINDING = f"""
-- Everybody who shares a key whose digest lies in a range is compared with everybody else who does: persons the client's division
-- sees, aliases apart. A group larger than `size_max` is divided by birth date, or by sound where it has one birth date; what
-- is still larger is counted and not compared. Tells how many, never who.
CREATE FUNCTION compare_sharing(
    key text, first bigint, last bigint, scores integer[], size_max integer, per_person integer, at timestamptz
) RETURNS TABLE (compared bigint, made bigint, passed_over bigint) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    ones uuid[];
    others uuid[];
    codes smallint[];
BEGIN
    IF row_division() IS NULL OR key NOT IN ('phone', 'initials_and_birth', 'name_and_home') THEN
        RAISE EXCEPTION 'a client compares by a key' USING ERRCODE = 'insufficient_privilege';
    END IF;
    asked_as := widen_row_context();
    EXECUTE format($sql$
        WITH keyed AS (
            SELECT k.*, k.%1$I AS shared, count(*) OVER (PARTITION BY k.%1$I) AS size FROM person_search_key k
            WHERE k.%1$I BETWEEN $1 AND $2 AND {_IS_NO_ALIAS.format("k.person_id")}
        ), members AS (
            SELECT k.person_id, k.shared, {_COMPARED},
                CASE WHEN k.size > $4 THEN hashtextextended(CAST(p.birth_date AS text), k.%2$I) ELSE 0 END AS part
            FROM keyed k JOIN person p USING (person_id) WHERE k.size > 1
        ), grouped AS MATERIALIZED (
            SELECT m.*, count(*) OVER (PARTITION BY m.shared, m.part) AS part_size FROM members m
        ), pairs AS (
            SELECT a.person_id AS one, b.person_id AS other, {_CODE} AS code
            FROM grouped a JOIN grouped b ON b.shared = a.shared AND b.part = a.part AND b.person_id > a.person_id
            WHERE a.part_size <= $4
        )
        SELECT count(*), array_agg(one) FILTER (WHERE {_IS_SHOWN}), array_agg(other) FILTER (WHERE {_IS_SHOWN}),
            array_agg(code) FILTER (WHERE {_IS_SHOWN}),
            (SELECT count(*) FROM (SELECT DISTINCT g.shared, g.part FROM grouped g WHERE g.part_size > $4) large)
        FROM pairs
        $sql$, key, CASE key WHEN 'initials_and_birth' THEN 'pinyin' ELSE key END)
    INTO compared, ones, others, codes, passed_over USING first, last, scores, size_max;
    made := keep_duplicates(ones, others, codes, scores, per_person, row_division(), at);
    PERFORM narrow_row_context(asked_as);
    RETURN NEXT;
END $$;

-- The same for some persons who came in or changed, by every key that few enough share; their pairs of before are looked at again.
-- Found are persons of any division, because who moved was entered elsewhere; told is nothing.
CREATE FUNCTION compare_persons(
    persons uuid[], scores integer[], size_max integer, per_person integer, at timestamptz
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text := widen_row_context();
    ones uuid[];
    others uuid[];
    codes smallint[];
BEGIN
    WITH mine AS MATERIALIZED (
        SELECT k.* FROM person_search_key k WHERE k.person_id = ANY (persons) AND {_IS_NO_ALIAS.format("k.person_id")}
    ), near AS (
        SELECT m.person_id, g.ids FROM mine m CROSS JOIN LATERAL (SELECT array_agg(l.person_id) AS ids FROM (
            SELECT k.person_id FROM person_search_key k WHERE k.phone = m.phone LIMIT size_max + 1) l) g
        UNION ALL
        SELECT m.person_id, g.ids FROM mine m CROSS JOIN LATERAL (SELECT array_agg(l.person_id) AS ids FROM (
            SELECT k.person_id FROM person_search_key k WHERE k.initials_and_birth = m.initials_and_birth LIMIT size_max + 1) l) g
        UNION ALL
        SELECT m.person_id, g.ids FROM mine m CROSS JOIN LATERAL (SELECT array_agg(l.person_id) AS ids FROM (
            SELECT k.person_id FROM person_search_key k WHERE k.name_and_home = m.name_and_home LIMIT size_max + 1) l) g
    ), pairs AS (
        SELECT least(n.person_id, i.id) AS one, greatest(n.person_id, i.id) AS other, false AS is_known
        FROM near n, unnest(n.ids) AS i (id)
        WHERE cardinality(n.ids) BETWEEN 2 AND size_max AND i.id <> n.person_id AND {_IS_NO_ALIAS.format("i.id")}
        UNION
        SELECT c.person_id, c.related_person_id, true FROM duplicate_candidate c WHERE c.person_id = ANY (persons)
        UNION
        SELECT c.person_id, c.related_person_id, true FROM duplicate_candidate c WHERE c.related_person_id = ANY (persons)
    ), coded AS (
        SELECT a.person_id AS one, b.person_id AS other, g.is_known, {_CODE} AS code
        FROM pairs g
        CROSS JOIN LATERAL (SELECT p.person_id, {_COMPARED} FROM person_search_key k JOIN person p USING (person_id)
            WHERE k.person_id = g.one) a
        CROSS JOIN LATERAL (SELECT p.person_id, {_COMPARED} FROM person_search_key k JOIN person p USING (person_id)
            WHERE k.person_id = g.other) b
    )
    SELECT array_agg(c.one), array_agg(c.other), array_agg(c.code) INTO ones, others, codes FROM coded c
    WHERE c.is_known OR {_IS_SHOWN.replace("$3", "scores").replace("code", "c.code")};
    IF ones IS NOT NULL THEN
        PERFORM keep_duplicates(ones, others, codes, scores, per_person, '', at);
    END IF;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """The table, who sees it, and how pairs are found; persons of before are compared by the next pass."""
    for script in (_TABLE, _POLICIES, _KEEPING, _FINDING):
        execute_script(op, script)


def downgrade() -> None:
    op.execute("DROP FUNCTION compare_persons, compare_sharing, keep_duplicates")
    op.execute("DROP POLICY duplicates_see ON history")
    op.execute("DROP TABLE duplicate_candidate")
