"""Two living persons may have one number in old records (C-08); the second comes in by two officers.

Revision ID: 0029
Revises: 0028
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

# Whoever enters a document without a word takes share 0 of its number, which there is once: the promise that one document is one
# person stays with the index. Only what two officers stated counts further. The same index still answers who has a number.
_SHARES = """
ALTER TABLE identity_document ADD COLUMN share smallint NOT NULL DEFAULT 0;
ALTER TABLE identity_document ADD CONSTRAINT ck_identity_document_share CHECK (share >= 0);
CREATE UNIQUE INDEX uq_identity_document_share ON identity_document (number_index, share) WHERE superseded_at IS NULL;
DROP INDEX uq_identity_document_current;
"""

# As in 0021; a number may be several humans', each of whom is told once, under whichever id.
_CLAIMING = """
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
    SELECT array_agg(h.number_index), array_agg(h.human) INTO taken, owners FROM (
        SELECT d.number_index, canonical_id(d.person_id) AS human FROM identity_document d
        WHERE d.number_index = ANY (indexes) AND d.superseded_at IS NULL
        GROUP BY d.number_index, human ORDER BY min(d.share)) h;
    PERFORM narrow_row_context(asked_as);
    RETURN QUERY SELECT t.number_index, p.person_id FROM unnest(taken, owners) AS t (number_index, owner)
        LEFT JOIN person p ON p.person_id = t.owner;
END $$;

-- The humans to whom a complete number and a name belong, wherever registered: nobody, one, or, of a shared number, several of the
-- same name. Only one is remembered for this client until `lasts`.
DROP FUNCTION resolve_person(bytea, bytea, timestamptz);
CREATE FUNCTION resolve_person(number bytea, name bytea, lasts timestamptz) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text := widen_row_context();
    found uuid[];
BEGIN
    found := ARRAY(SELECT DISTINCT canonical_id(p.person_id) FROM person p JOIN identity_document d USING (person_id)
        WHERE d.number_index = number AND d.superseded_at IS NULL AND p.name_index = name);
    IF cardinality(found) = 1 THEN
        INSERT INTO person_resolution (person_id, client_id, expires_at) VALUES (found[1], row_client(), lasts)
        ON CONFLICT (person_id, client_id) DO UPDATE SET expires_at = excluded.expires_at;
    END IF;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;
"""


def upgrade() -> None:
    """The index lets in what was stated; whoever asks for a number is told of everybody who has it."""
    for script in (_SHARES, _CLAIMING):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("who shares a number goes on sharing it")
