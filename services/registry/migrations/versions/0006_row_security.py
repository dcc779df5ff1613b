"""Row-level security: who sees and who changes which rows, and what of a client's acts reaches beyond them (decision 0013).

Revision ID: 0006
Revises: 0005
"""

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = """
ALTER TABLE person_division DROP CONSTRAINT ck_person_division_source;
ALTER TABLE person_division ADD CONSTRAINT ck_person_division_source
    CHECK (source IN ('intake', 'residence_registration', 'residence_permit'));

INSERT INTO person_division (person_division_id, person_id, division_code, source, since)
SELECT permit_id, person_id, division_code, 'residence_permit', accepted_on FROM residence_permit
WHERE status IN ('accepted', 'valid', 'suspended') AND division_code IS NOT NULL;

CREATE FUNCTION row_seen_since() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
RETURN CAST(row_law_date() - interval '24 months' AS date);

SELECT protect_rows(CAST(name AS regclass)) FROM unnest(ARRAY[
    'person', 'identity_document', 'person_division', 'person_resolution', 'relationship', 'residence_registration',
    'residence_permit', 'endorsement', 'deleted_person']) AS t (name);
CREATE INDEX ix_residence_registration_created_at ON residence_registration (created_at, registration_id);

COMMENT ON TABLE person IS 'retention: person';
COMMENT ON TABLE identity_document IS 'retention: person';
COMMENT ON TABLE person_division IS 'retention: person; without effect two years after `until`';
COMMENT ON TABLE person_resolution IS 'retention: expiry; expires_at';
COMMENT ON TABLE relationship IS 'retention: person';
COMMENT ON TABLE residence_registration IS 'retention: person';
COMMENT ON TABLE residence_permit IS 'retention: person';
COMMENT ON TABLE deleted_person IS 'retention: years-3; V-33; ids only';
COMMENT ON TABLE endorsement IS 'retention: person; append-only';
"""

_IS_NEW = """
-- Nobody is anybody's yet while the statement runs that enters the person; then the first hold and the documents come in.
CREATE FUNCTION is_person_new(entered uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    is_new boolean := NOT EXISTS (SELECT FROM person WHERE person_id = entered);
BEGIN
    PERFORM narrow_row_context(asked_as);
    RETURN is_new;
END $$;
"""

# The policies of `person_division` say which holds a client knows of; everything else asks for one of those. OFFSET 0 keeps
# PostgreSQL from reading all holds of everybody into a hash table for the sake of one row.
_SEES = "EXISTS (SELECT FROM person_division d WHERE d.person_id = {} OFFSET 0)"
_HOLDS = "EXISTS (SELECT FROM person_division d WHERE d.person_id = {} AND d.until IS NULL OFFSET 0)"
_RESOLVED = "EXISTS (SELECT FROM person_resolution a WHERE a.person_id = {} OFFSET 0)"

_POLICIES = f"""
-- A person is visible to divisions that hold it, and for two years after; a person only resolved, to the client that did.
CREATE POLICY clients_see ON person_division FOR SELECT
    USING (is_in_row_division(division_code) AND (until IS NULL OR until > row_seen_since()));
CREATE POLICY clients_enter ON person_division FOR INSERT
    WITH CHECK (is_in_row_division(division_code) AND source = 'intake' AND until IS NULL AND is_person_new(person_id));
CREATE POLICY clients_see ON person_resolution FOR SELECT USING (client_id = row_client() AND expires_at > now());

-- Visible is not writable: only who holds the person now changes something about it.
CREATE POLICY clients_see ON person FOR SELECT
    USING ({_SEES.format("person.person_id")} OR {_RESOLVED.format("person.person_id")});
CREATE POLICY clients_enter ON person FOR INSERT WITH CHECK (row_division() IS NOT NULL);
CREATE POLICY holders_correct ON person FOR UPDATE USING ({_HOLDS.format("person.person_id")});

CREATE POLICY clients_see ON identity_document FOR SELECT
    USING ({_SEES.format("identity_document.person_id")} OR {_RESOLVED.format("identity_document.person_id")});
CREATE POLICY holders_add ON identity_document FOR INSERT
    WITH CHECK ({_HOLDS.format("identity_document.person_id")} OR is_person_new(person_id));
CREATE POLICY holders_correct ON identity_document FOR UPDATE USING ({_HOLDS.format("identity_document.person_id")});

-- Seen from either side, made between two persons in sight, changed by who holds one of them.
CREATE POLICY clients_see ON relationship FOR SELECT
    USING ({_SEES.format("relationship.person_id")} OR {_SEES.format("relationship.related_person_id")});
CREATE POLICY holders_register ON relationship FOR INSERT WITH CHECK (
    {_SEES.format("relationship.person_id")} AND {_SEES.format("relationship.related_person_id")}
    AND ({_HOLDS.format("relationship.person_id")} OR {_HOLDS.format("relationship.related_person_id")}));
CREATE POLICY holders_end ON relationship FOR UPDATE
    USING ({_HOLDS.format("relationship.person_id")} OR {_HOLDS.format("relationship.related_person_id")});

-- Another town that holds the person has no business with the old address. Of the two first cases the person's holds tell the
-- same, only dearer: a registration is what holds the person while it lasts, and for two years after.
CREATE POLICY clients_see ON residence_registration FOR SELECT USING (
    is_in_row_division(division_code) AND (
        ended_on IS NULL OR ended_on > row_seen_since() OR {_SEES.format("residence_registration.person_id")}));
CREATE POLICY clients_register ON residence_registration FOR INSERT WITH CHECK (
    is_in_row_division(division_code) AND (
        {_SEES.format("residence_registration.person_id")} OR {_RESOLVED.format("residence_registration.person_id")}));
CREATE POLICY holders_change ON residence_registration FOR UPDATE
    USING (is_in_row_division(division_code) AND {_HOLDS.format("residence_registration.person_id")});

CREATE POLICY clients_see ON residence_permit FOR SELECT USING ({_SEES.format("residence_permit.person_id")});
-- Whoever sees a person may ask, and be refused with reasons: of who lives elsewhere no application is accepted.
CREATE POLICY holders_apply ON residence_permit FOR INSERT WITH CHECK (
    {_HOLDS.format("residence_permit.person_id")}
    OR status = 'refused' AND {_SEES.format("residence_permit.person_id")});
CREATE POLICY holders_act ON residence_permit FOR UPDATE USING ({_HOLDS.format("residence_permit.person_id")});

CREATE POLICY clients_see ON deleted_person FOR SELECT
    USING (EXISTS (SELECT FROM unnest(division_codes) AS d (division_code) WHERE is_in_row_division(d.division_code)));

CREATE POLICY clients_see ON endorsement FOR SELECT USING ({_SEES.format("endorsement.person_id")});
CREATE POLICY holders_decide ON endorsement FOR INSERT WITH CHECK ({_HOLDS.format("endorsement.person_id")});

-- A version is seen with the thing it is a version of; of a person only resolved, none.
CREATE POLICY clients_see ON history FOR SELECT USING (
    CASE resource
    WHEN 'person' THEN {_SEES.format("history.resource_id")}
    WHEN 'relationship' THEN EXISTS (SELECT FROM relationship r WHERE r.relationship_id = history.resource_id)
    WHEN 'residence_registration' THEN
        EXISTS (SELECT FROM residence_registration r WHERE r.registration_id = history.resource_id)
    WHEN 'residence_permit' THEN EXISTS (SELECT FROM residence_permit m WHERE m.permit_id = history.resource_id)
    ELSE false
    END);
"""

_HOLD_BY_FACT = """
-- Holds follow from registrations and permits, whoever writes them. The town a person leaves is let go in the same statement.
CREATE FUNCTION hold_by_registration() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text := widen_row_context();
    today date := coalesce(row_law_date(), CAST(now() AT TIME ZONE 'Asia/Shanghai' AS date));
BEGIN
    UPDATE person_division SET until = greatest(since, coalesce(NEW.ended_on, today))
    WHERE person_id = NEW.person_id AND until IS NULL AND source <> 'residence_permit';
    IF NEW.status = 'current' THEN
        INSERT INTO person_division (person_division_id, person_id, division_code, source, since)
        VALUES (gen_random_uuid(), NEW.person_id, NEW.division_code, 'residence_registration', today);
    END IF;
    PERFORM narrow_row_context(asked_as);
    RETURN NULL;
END $$;
CREATE TRIGGER hold AFTER INSERT ON residence_registration
    FOR EACH ROW WHEN (NEW.status = 'current') EXECUTE FUNCTION hold_by_registration();
CREATE TRIGGER hold_on AFTER UPDATE OF status, division_code ON residence_registration
    FOR EACH ROW WHEN (OLD.status = 'current' AND (OLD.status, OLD.division_code) IS DISTINCT FROM (NEW.status, NEW.division_code))
    EXECUTE FUNCTION hold_by_registration();

CREATE FUNCTION hold_by_permit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text := widen_row_context();
BEGIN
    IF NEW.status IN ('accepted', 'valid', 'suspended') THEN
        INSERT INTO person_division (person_division_id, person_id, division_code, source, since)
        VALUES (NEW.permit_id, NEW.person_id, NEW.division_code, 'residence_permit', NEW.accepted_on)
        ON CONFLICT DO NOTHING;
    ELSE
        UPDATE person_division SET until = greatest(since, NEW.ended_on)
        WHERE person_division_id = NEW.permit_id AND until IS NULL;
    END IF;
    PERFORM narrow_row_context(asked_as);
    RETURN NULL;
END $$;
CREATE TRIGGER hold AFTER INSERT OR UPDATE OF status ON residence_permit
    FOR EACH ROW WHEN (NEW.division_code IS NOT NULL AND NEW.status <> 'refused') EXECUTE FUNCTION hold_by_permit();
"""

# Of revision 0005, now reaching beyond the rows of who asks – for a person in sight only: who lives nowhere any more is held by
# nobody, and the office that let go of the person last answers the wish to be deleted.
_ERASURE = r"""
CREATE OR REPLACE FUNCTION obstacles_to_erasure(of_person uuid, but uuid, today date)
RETURNS TABLE (has_registration boolean, has_permit boolean, has_case boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY SELECT
        EXISTS (SELECT FROM residence_registration r WHERE r.person_id = of_person AND r.status = 'current'),
        EXISTS (SELECT FROM residence_permit m
            WHERE m.person_id = of_person AND m.status IN ('accepted', 'valid', 'suspended')),
        EXISTS (SELECT FROM proposal p WHERE p.person_id = of_person AND p.status = 'open' AND p.expires_on >= today
            AND p.proposal_id IS DISTINCT FROM but AND p.act <> 'person.delete');
    PERFORM narrow_row_context(asked_as);
END $$;

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

_BEYOND_THE_ROWS = """
-- Everything about a person happens in one order: the row is held for whoever names it, and then what the client may see of it is
-- looked up anew, because a volatile function takes a new snapshot per statement.
CREATE FUNCTION lock_persons(wanted uuid[]) RETURNS TABLE (
    person_id uuid, birth_date date, hukou_division_code text, document_types text[], is_visible boolean, is_held boolean
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
BEGIN
    PERFORM FROM person WHERE person_id = ANY (wanted) ORDER BY person_id FOR UPDATE;
    PERFORM narrow_row_context(asked_as);
    RETURN QUERY SELECT p.person_id, p.birth_date, p.hukou_division_code,
        ARRAY(SELECT d.type FROM identity_document d WHERE d.person_id = p.person_id AND d.superseded_at IS NULL),
        EXISTS (SELECT FROM person_division d WHERE d.person_id = p.person_id),
        EXISTS (SELECT FROM person_division d WHERE d.person_id = p.person_id AND d.until IS NULL)
    FROM person p WHERE p.person_id = ANY (wanted);
END $$;

-- As in 0001; a document elsewhere is told, its owner only to whom the owner is visible.
CREATE OR REPLACE FUNCTION claim_documents(indexes bytea[]) RETURNS TABLE (number_index bytea, person_id uuid)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    one bytea;
    asked_as text := widen_row_context();
    taken bytea[];
    owners uuid[];
BEGIN
    FOR one IN SELECT u.i FROM unnest(indexes) AS u (i) ORDER BY u.i LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended(encode(one, 'hex'), 1));
    END LOOP;
    SELECT array_agg(d.number_index), array_agg(d.person_id) INTO taken, owners FROM identity_document d
        WHERE d.number_index = ANY (indexes) AND d.superseded_at IS NULL;
    PERFORM narrow_row_context(asked_as);
    RETURN QUERY SELECT t.number_index, p.person_id FROM unnest(taken, owners) AS t (number_index, owner)
        LEFT JOIN person p ON p.person_id = t.owner;
END $$;

-- The person to whom a complete number and a name belong, wherever registered; remembered for this client until `lasts`.
CREATE FUNCTION resolve_person(number bytea, name bytea, lasts timestamptz) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text := widen_row_context();
    found uuid;
BEGIN
    SELECT p.person_id INTO found FROM person p JOIN identity_document d USING (person_id)
        WHERE d.number_index = number AND d.superseded_at IS NULL AND p.name_index = name;
    IF found IS NOT NULL THEN
        INSERT INTO person_resolution (person_id, client_id, expires_at) VALUES (found, row_client(), lasts)
        ON CONFLICT (person_id, client_id) DO UPDATE SET expires_at = excluded.expires_at;
    END IF;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;

-- The divisions whose followers may hear of the persons.
CREATE FUNCTION divisions_seeing(persons uuid[], seen_since date) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY SELECT DISTINCT d.division_code FROM person_division d
        WHERE d.person_id = ANY (persons) AND (d.until IS NULL OR d.until > seen_since) ORDER BY d.division_code;
    PERFORM narrow_row_context(asked_as);
END $$;

-- Every registration of a person, in whichever town: the half year runs on across them, and a move ends the one elsewhere. Only of
-- a person the client sees or has resolved.
CREATE FUNCTION registrations_of(of_person uuid) RETURNS SETOF residence_registration LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
BEGIN
    IF EXISTS (SELECT FROM person WHERE person_id = of_person) THEN
        asked_as := widen_row_context();
        RETURN QUERY SELECT * FROM residence_registration WHERE person_id = of_person ORDER BY registered_on;
        PERFORM narrow_row_context(asked_as);
    END IF;
END $$;

-- A move ends the current registration in the town the person leaves, and changes nothing else of it.
CREATE FUNCTION end_registration_by_move(
    registration uuid, move_on date, reason text, next_version integer, at timestamptz
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text;
    is_done boolean;
    mover uuid;
BEGIN
    asked_as := widen_row_context();
    SELECT person_id INTO mover FROM residence_registration WHERE registration_id = registration AND status = 'current';
    PERFORM narrow_row_context(asked_as);
    IF NOT EXISTS (SELECT FROM person WHERE person_id = mover) THEN
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


def upgrade() -> None:
    """Policies first for the chassis's tables, then for the registry's."""
    ground.apply(op, 6)
    for script in (_TABLES, _IS_NEW, _POLICIES, _HOLD_BY_FACT, _ERASURE, _BEYOND_THE_ROWS):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("rows that were protected stay protected")
