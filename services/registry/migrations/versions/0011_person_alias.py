"""Merging by alias (architecture §1): two ids on the register are one human, and no row is keyed anew.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE person_alias (
    merge_id uuid NOT NULL,
    person_id uuid NOT NULL,
    canonical_person_id uuid NOT NULL,
    reason text NOT NULL,
    merged_on date NOT NULL,
    unmerged_on date,
    unmerge_reason text,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_person_alias PRIMARY KEY (merge_id),
    CONSTRAINT fk_person_alias_person_id_person FOREIGN KEY (person_id) REFERENCES person (person_id),
    CONSTRAINT fk_person_alias_canonical_person_id_person FOREIGN KEY (canonical_person_id) REFERENCES person (person_id),
    CONSTRAINT ck_person_alias_two_ids CHECK (person_id <> canonical_person_id),
    CONSTRAINT ck_person_alias_unmerged CHECK ((unmerged_on IS NULL) = (unmerge_reason IS NULL)),
    CONSTRAINT ck_person_alias_version CHECK (version > 0)
);
CREATE UNIQUE INDEX uq_person_alias_standing ON person_alias (person_id) WHERE unmerged_on IS NULL;
CREATE INDEX ix_person_alias_person_id ON person_alias (person_id);
CREATE INDEX ix_person_alias_canonical_person_id ON person_alias (canonical_person_id);
COMMENT ON TABLE person_alias IS 'retention: person';
SELECT protect_rows('person_alias');

CREATE TABLE merge_conflict (
    conflict_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    person_id uuid NOT NULL,
    kind text NOT NULL,
    canonical_thing_id uuid NOT NULL,
    duplicate_thing_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_merge_conflict PRIMARY KEY (conflict_id),
    CONSTRAINT fk_merge_conflict_merge_id_person_alias FOREIGN KEY (merge_id) REFERENCES person_alias (merge_id),
    CONSTRAINT fk_merge_conflict_person_id_person FOREIGN KEY (person_id) REFERENCES person (person_id),
    CONSTRAINT ck_merge_conflict_kind CHECK (kind IN ('residence_registration', 'residence_permit'))
);
CREATE INDEX ix_merge_conflict_merge_id ON merge_conflict (merge_id);
CREATE INDEX ix_merge_conflict_person_id ON merge_conflict (person_id);
CREATE INDEX ix_merge_conflict_created_at ON merge_conflict (created_at, conflict_id);
COMMENT ON TABLE merge_conflict IS 'retention: person';
SELECT protect_rows('merge_conflict');

ALTER TABLE person_division DROP CONSTRAINT ck_person_division_source;
ALTER TABLE person_division ADD CONSTRAINT ck_person_division_source
    CHECK (source IN ('intake', 'residence_registration', 'residence_permit', 'alias'));
"""

# Both ids are seen by whoever sees one, because holds are shared; a client that only resolved an id is led on by it.
_POLICIES = """
CREATE POLICY clients_see ON person_alias FOR SELECT USING (
    EXISTS (SELECT FROM person_division d WHERE d.person_id = person_alias.person_id OFFSET 0)
    OR EXISTS (SELECT FROM person_division d WHERE d.person_id = person_alias.canonical_person_id OFFSET 0)
    OR EXISTS (SELECT FROM person_resolution a WHERE a.person_id = person_alias.person_id OFFSET 0));
CREATE POLICY clients_see ON merge_conflict FOR SELECT
    USING (EXISTS (SELECT FROM person_alias a WHERE a.merge_id = merge_conflict.merge_id OFFSET 0));
CREATE POLICY merges_see ON history FOR SELECT USING (
    resource = 'person_alias' AND EXISTS (SELECT FROM person_alias a WHERE a.merge_id = history.resource_id OFFSET 0));
"""

_HUMAN = """
CREATE FUNCTION canonical_id(of_person uuid) RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE RETURN coalesce(
    (SELECT a.canonical_person_id FROM person_alias a WHERE a.person_id = of_person AND a.unmerged_on IS NULL), of_person);

-- Every id of the human an id stands for, the canonical one first.
CREATE FUNCTION ids_of_human(of_person uuid) RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE RETURN (
    SELECT c.id || ARRAY(SELECT a.person_id FROM person_alias a
        WHERE a.canonical_person_id = c.id AND a.unmerged_on IS NULL ORDER BY a.person_id)
    FROM (SELECT canonical_id(of_person) AS id) c);

-- Chains and cycles cannot be, whoever writes.
CREATE FUNCTION keep_aliases_flat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM person_alias a WHERE a.unmerged_on IS NULL
        AND (a.person_id = NEW.canonical_person_id OR a.canonical_person_id = NEW.person_id)) THEN
        RAISE EXCEPTION 'an alias of an alias' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER flat BEFORE INSERT ON person_alias FOR EACH ROW EXECUTE FUNCTION keep_aliases_flat();

-- Whoever holds one id of a human holds the others: `alias` rows are worked out from all other holds. Called in the service's
-- context only, since a client may not write them.
CREATE FUNCTION share_holds(of_person uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ids_of_human(of_person);
BEGIN
    DELETE FROM person_division WHERE person_id = ANY (ids) AND source = 'alias';
    IF cardinality(ids) > 1 THEN
        INSERT INTO person_division (person_division_id, person_id, division_code, source, since, until)
        SELECT gen_random_uuid(), i.id, d.division_code, 'alias', min(d.since),
            CASE WHEN bool_or(d.until IS NULL) THEN NULL ELSE max(d.until) END
        FROM unnest(ids) AS i (id) JOIN person_division d ON d.person_id = ANY (ids) AND d.person_id <> i.id
        GROUP BY i.id, d.division_code;
    END IF;
END $$;

CREATE FUNCTION share_changed_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text;
    human uuid;
BEGIN
    IF NOT row_has_context() THEN
        RETURN NULL; -- a maintainer's own hand
    END IF;
    asked_as := widen_row_context();
    FOR human IN
        SELECT a.canonical_person_id FROM changed c JOIN person_alias a ON a.person_id = c.person_id
            WHERE a.unmerged_on IS NULL AND c.source <> 'alias'
        UNION
        SELECT a.canonical_person_id FROM changed c JOIN person_alias a ON a.canonical_person_id = c.person_id
            WHERE a.unmerged_on IS NULL AND c.source <> 'alias'
    LOOP
        PERFORM share_holds(human);
    END LOOP;
    PERFORM narrow_row_context(asked_as);
    RETURN NULL;
END $$;
CREATE TRIGGER share_new AFTER INSERT ON person_division
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION share_changed_holds();
CREATE TRIGGER share_changed AFTER UPDATE ON person_division
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION share_changed_holds();
"""

_MERGING = """
-- Of two persons in sight, after two officers. What one human has once at most, and now has twice, is put before a human.
CREATE FUNCTION merge_persons(
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
    INSERT INTO merge_conflict (conflict_id, merge_id, person_id, kind, canonical_thing_id, duplicate_thing_id, created_at)
    SELECT gen_random_uuid(), merge, canonical, 'residence_registration', k.registration_id, d.registration_id, at
    FROM residence_registration k, residence_registration d
    WHERE k.person_id = ANY (before) AND k.status = 'current' AND d.person_id = duplicate AND d.status = 'current'
    UNION ALL
    SELECT gen_random_uuid(), merge, canonical, 'residence_permit', k.permit_id, d.permit_id, at
    FROM residence_permit k, residence_permit d
    WHERE k.person_id = ANY (before) AND k.status IN ('accepted', 'valid', 'suspended')
    AND d.person_id = duplicate AND d.status IN ('accepted', 'valid', 'suspended');
    PERFORM share_holds(canonical);
    PERFORM narrow_row_context(asked_as);
END $$;

CREATE FUNCTION unmerge_persons(
    merge uuid, why text, papers bytea, on_day date, next_version integer, at timestamptz
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    parted person_alias;
BEGIN
    SELECT * INTO parted FROM person_alias a
        WHERE a.merge_id = merge AND a.unmerged_on IS NULL AND a.version = next_version - 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    UPDATE person_alias SET unmerged_on = on_day, unmerge_reason = why, sealed = papers, version = next_version, updated_at = at
        WHERE merge_id = merge;
    PERFORM share_holds(parted.person_id);
    PERFORM share_holds(parted.canonical_person_id);
    PERFORM narrow_row_context(asked_as);
    RETURN true;
END $$;

-- Whether a human still has twice what there is once at most; the things may lie in towns out of sight.
CREATE FUNCTION is_conflict_open(conflict uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    is_open boolean;
BEGIN
    SELECT a.unmerged_on IS NULL AND CASE c.kind
        WHEN 'residence_registration' THEN (SELECT count(*) = 2 FROM residence_registration r
            WHERE r.registration_id IN (c.canonical_thing_id, c.duplicate_thing_id) AND r.status = 'current')
        ELSE (SELECT count(*) = 2 FROM residence_permit m
            WHERE m.permit_id IN (c.canonical_thing_id, c.duplicate_thing_id) AND m.status IN ('accepted', 'valid', 'suspended'))
        END
    INTO is_open FROM merge_conflict c JOIN person_alias a USING (merge_id) WHERE c.conflict_id = conflict;
    PERFORM narrow_row_context(asked_as);
    RETURN is_open;
END $$;
"""

# Of revision 0006, now for every id of the human.
_RESOLVING = """
DROP FUNCTION lock_persons(uuid[]);
-- Everything about a human happens in one order: the rows of all its ids are held for whoever names one. Who waited looks again,
-- because a merge may have added one meanwhile.
CREATE FUNCTION lock_persons(wanted uuid[]) RETURNS TABLE (
    person_id uuid, birth_date date, hukou_division_code text, document_types text[], is_visible boolean, is_held boolean,
    merged_into uuid
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
        (SELECT a.canonical_person_id FROM person_alias a WHERE a.person_id = p.person_id AND a.unmerged_on IS NULL)
    FROM person p WHERE p.person_id = ANY (wanted);
END $$;

CREATE OR REPLACE FUNCTION resolve_person(number bytea, name bytea, lasts timestamptz) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text := widen_row_context();
    found uuid;
BEGIN
    SELECT canonical_id(p.person_id) INTO found FROM person p JOIN identity_document d USING (person_id)
        WHERE d.number_index = number AND d.superseded_at IS NULL AND p.name_index = name;
    IF found IS NOT NULL THEN
        INSERT INTO person_resolution (person_id, client_id, expires_at) VALUES (found, row_client(), lasts)
        ON CONFLICT (person_id, client_id) DO UPDATE SET expires_at = excluded.expires_at;
    END IF;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;

CREATE OR REPLACE FUNCTION registrations_of(of_person uuid) RETURNS SETOF residence_registration LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
BEGIN
    IF EXISTS (SELECT FROM person WHERE person_id = of_person) THEN
        asked_as := widen_row_context();
        RETURN QUERY SELECT * FROM residence_registration WHERE person_id = ANY (ids_of_human(of_person)) ORDER BY registered_on;
        PERFORM narrow_row_context(asked_as);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION end_registration_by_move(
    registration uuid, move_on date, reason text, next_version integer, at timestamptz
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    is_done boolean;
    movers uuid[];
BEGIN
    asked_as := widen_row_context();
    SELECT ids_of_human(person_id) INTO movers FROM residence_registration
        WHERE registration_id = registration AND status = 'current';
    PERFORM narrow_row_context(asked_as);
    IF NOT EXISTS (SELECT FROM person WHERE person_id = ANY (movers)) THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    UPDATE residence_registration
        SET status = 'ended', ended_on = move_on, end_reason = reason, version = next_version, updated_at = at
        WHERE registration_id = registration AND version = next_version - 1;
    is_done := FOUND;
    PERFORM narrow_row_context(asked_as);
    RETURN is_done;
END $$;
"""

# Of revision 0006: a human is deleted under all its ids, and nothing tells any more that they were one.
_ERASURE = r"""
CREATE OR REPLACE FUNCTION obstacles_to_erasure(of_person uuid, but uuid, today date)
RETURNS TABLE (has_registration boolean, has_permit boolean, has_case boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    ids uuid[] := ids_of_human(of_person);
BEGIN
    RETURN QUERY SELECT
        EXISTS (SELECT FROM residence_registration r WHERE r.person_id = ANY (ids) AND r.status = 'current'),
        EXISTS (SELECT FROM residence_permit m
            WHERE m.person_id = ANY (ids) AND m.status IN ('accepted', 'valid', 'suspended')),
        EXISTS (SELECT FROM proposal p WHERE p.person_id = ANY (ids) AND p.status = 'open' AND p.expires_on >= today
            AND p.proposal_id IS DISTINCT FROM but AND p.act <> 'person.delete');
    PERFORM narrow_row_context(asked_as);
END $$;

CREATE OR REPLACE FUNCTION without_values(data text) RETURNS text LANGUAGE sql IMMUTABLE RETURN (
    SELECT jsonb_object_agg(e.key, e.value)::text FROM jsonb_each(data::jsonb) AS e
    WHERE e.key IN ('person_id', 'canonical_person_id', 'relationship_id', 'related_person_id', 'registration_id', 'permit_id',
        'version', 'merged_on', 'unmerged_on', 'deleted_on')
);

CREATE OR REPLACE FUNCTION erase_person(
    erased uuid, next_version integer, on_day date, at timestamptz, why text, ground text, today date
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked_as text;
BEGIN
    IF NOT EXISTS (SELECT FROM person_division d WHERE d.person_id = erased) THEN
        RAISE EXCEPTION 'the person is not in sight' USING ERRCODE = 'insufficient_privilege';
    END IF;
    asked_as := widen_row_context();
    INSERT INTO deleted_person (person_id, version, deleted_on, deleted_at, reason, legal_ground, division_codes)
    SELECT erased, next_version, on_day, at, why, ground, ARRAY(
        SELECT DISTINCT left(d.division_code, 9) FROM person_division d
        WHERE d.person_id = erased AND (d.until IS NULL OR d.until > CAST(today - interval '24 months' AS date)));
    DELETE FROM merge_conflict c USING person_alias a
        WHERE a.merge_id = c.merge_id AND erased IN (a.person_id, a.canonical_person_id);
    DELETE FROM person_alias WHERE erased IN (person_id, canonical_person_id);
    DELETE FROM endorsement WHERE person_id = erased;
    DELETE FROM residence_permit WHERE person_id = erased;
    DELETE FROM residence_registration WHERE person_id = erased;
    DELETE FROM relationship WHERE person_id = erased OR related_person_id = erased;
    DELETE FROM person_resolution WHERE person_id = erased;
    DELETE FROM person_division WHERE person_id = erased;
    DELETE FROM identity_document WHERE person_id = erased;
    DELETE FROM person WHERE person_id = erased;
    DELETE FROM person_key WHERE person_id = erased;
    UPDATE proposal SET status = 'expired', content = NULL, version = version + 1
        WHERE person_id = erased AND status = 'open';
    UPDATE outbox SET data = without_values(data) WHERE partition_key = erased AND published_position IS NOT NULL;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """Tables, who sees them, what a human's ids are, and everything that now asks for all of them."""
    for script in (_TABLES, _POLICIES, _HUMAN, _MERGING, _RESOLVING, _ERASURE):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("who was found to be one human stays so")
