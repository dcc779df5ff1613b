"""Searching by parts of a name, and the log of searches.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_KEYS = """
CREATE TABLE person_search_key (
    person_id uuid NOT NULL,
    name_prefix_2 bigint,
    name_prefix_3 bigint,
    pinyin bigint,
    initials bigint,
    phone bigint,
    initials_and_birth bigint,
    name_and_home bigint,
    CONSTRAINT pk_person_search_key PRIMARY KEY (person_id),
    CONSTRAINT fk_person_search_key_person_id_person FOREIGN KEY (person_id) REFERENCES person (person_id) ON DELETE CASCADE
);
CREATE INDEX ix_person_search_key_name_prefix_2 ON person_search_key (name_prefix_2);
CREATE INDEX ix_person_search_key_name_prefix_3 ON person_search_key (name_prefix_3);
CREATE INDEX ix_person_search_key_pinyin ON person_search_key (pinyin);
CREATE INDEX ix_person_search_key_initials ON person_search_key (initials);
CREATE INDEX ix_person_search_key_phone ON person_search_key (phone);
CREATE INDEX ix_person_search_key_initials_and_birth ON person_search_key (initials_and_birth);
CREATE INDEX ix_person_search_key_name_and_home ON person_search_key (name_and_home);
COMMENT ON TABLE person_search_key IS 'retention: person';
SELECT protect_rows('person_search_key');

-- Digests lead to ids and tell nothing; whether the person behind an id is seen, its own policy says, once.
CREATE POLICY searches_look ON person_search_key FOR SELECT USING (row_has_context());
CREATE POLICY holders_key ON person_search_key FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM person_division d WHERE d.person_id = person_search_key.person_id AND d.until IS NULL OFFSET 0));
CREATE POLICY holders_key_anew ON person_search_key FOR UPDATE USING (
    EXISTS (SELECT FROM person_division d WHERE d.person_id = person_search_key.person_id AND d.until IS NULL OFFSET 0));
"""

# Every search is a line of evidence already; the log is what those lines say, of clients within the asking division. Lines keep
# names of criteria and counts, never values.
_LOG = """
CREATE INDEX ix_audit_line_searches ON audit_line (audit_id) WHERE line LIKE '%"operation":"search"%';

CREATE FUNCTION searches_logged(before uuid, up_to integer) RETURNS TABLE (search_id uuid, line jsonb)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text;
BEGIN
    IF row_division() IS NULL THEN
        RETURN;
    END IF;
    asked_as := widen_row_context();
    RETURN QUERY SELECT a.audit_id, CAST(a.line AS jsonb) FROM audit_line a
        WHERE a.line LIKE '%"operation":"search"%' AND (before IS NULL OR a.audit_id < before)
        AND is_in_row_division(CAST(a.line AS jsonb) ->> 'division') AND CAST(a.line AS jsonb) ->> 'operation' = 'search'
        ORDER BY a.audit_id DESC LIMIT up_to;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """Keys of persons, then the log. Persons of before get their keys by the daily job."""
    execute_script(op, _KEYS)
    execute_script(op, _LOG)


def downgrade() -> None:
    op.execute("DROP FUNCTION searches_logged")
    op.execute("DROP INDEX ix_audit_line_searches")
    op.execute("DROP TABLE person_search_key")
