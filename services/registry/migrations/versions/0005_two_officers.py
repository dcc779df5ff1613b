"""Acts of two officers, and the deletion of a person.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE deleted_person (
    person_id uuid NOT NULL,
    version integer NOT NULL,
    deleted_on date NOT NULL,
    deleted_at timestamptz NOT NULL,
    reason text NOT NULL,
    legal_ground text NOT NULL,
    division_codes text[] NOT NULL,
    CONSTRAINT pk_deleted_person PRIMARY KEY (person_id),
    CONSTRAINT ck_deleted_person_version CHECK (version > 0)
);
COMMENT ON TABLE deleted_person IS 'retention: 3 years (V-33); ids only';

-- The id of who reported a registration of somebody else stays when its person is deleted.
ALTER TABLE residence_registration DROP CONSTRAINT fk_residence_registration_reporter_person_id;
"""

_ERASURE = r"""
-- What stands against deleting a person (V-20), wherever it lies.
CREATE FUNCTION obstacles_to_erasure(of_person uuid, but uuid, today date)
RETURNS TABLE (has_registration boolean, has_permit boolean, has_case boolean) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT
        EXISTS (SELECT FROM residence_registration r WHERE r.person_id = of_person AND r.status = 'current'),
        EXISTS (SELECT FROM residence_permit m
            WHERE m.person_id = of_person AND m.status IN ('accepted', 'valid', 'suspended')),
        EXISTS (SELECT FROM proposal p WHERE p.person_id = of_person AND p.status = 'open' AND p.expires_on >= today
            AND p.proposal_id IS DISTINCT FROM but AND p.act <> 'person.delete');
END $$;

-- Of an event about a person the ids and the version; everything else are values.
CREATE FUNCTION without_values(data text) RETURNS text LANGUAGE sql IMMUTABLE RETURN (
    SELECT jsonb_object_agg(e.key, e.value)::text FROM jsonb_each(data::jsonb) AS e
    WHERE e.key IN ('person_id', 'relationship_id', 'related_person_id', 'registration_id', 'permit_id', 'version', 'deleted_on')
);

-- Everything about a person goes, in the order of the foreign keys; its row is locked by the caller. The tombstone says who may be
-- told, by towns and no finer. SECURITY DEFINER because the application may not delete decisions, which are evidence otherwise.
CREATE FUNCTION erase_person(
    erased uuid, next_version integer, on_day date, at timestamptz, why text, ground text, today date
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
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
END $$;

-- Events still on their way when their person was erased had to arrive whole; afterwards they lose their values, too.
CREATE FUNCTION redact_events_of_erased(today date) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    redacted integer;
BEGIN
    UPDATE outbox SET data = without_values(data)
    WHERE published_position IS NOT NULL AND data <> without_values(data)
    AND partition_key IN (SELECT person_id FROM deleted_person WHERE deleted_on >= today - 2);
    GET DIAGNOSTICS redacted = ROW_COUNT;
    RETURN redacted;
END $$;
"""


def upgrade() -> None:
    """The chassis's proposals, then what deletes a person."""
    ground.apply(op, 5)
    execute_script(op, _TABLES)
    execute_script(op, _ERASURE)


def downgrade() -> None:
    raise RuntimeError("what was deleted stays deleted")
