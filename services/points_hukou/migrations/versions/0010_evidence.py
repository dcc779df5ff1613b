"""The evidence door: facts that offices give, files beside them, contests, and files of evidence worked off as operations.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE evidence (
    evidence_id uuid NOT NULL,
    person_id uuid NOT NULL,
    rule_set text NOT NULL,
    fact text NOT NULL,
    organisation text NOT NULL,
    division_code text NOT NULL,
    reliability text NOT NULL,
    status text NOT NULL,
    as_of date NOT NULL,
    valid_from date,
    valid_until date,
    attachment_id uuid,
    superseded_by uuid,
    withdrawn_on date,
    closed_at timestamptz,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_evidence PRIMARY KEY (evidence_id),
    CONSTRAINT ck_evidence_reliability CHECK (reliability IN ('office', 'certificate', 'declared')),
    CONSTRAINT ck_evidence_status CHECK (status IN ('current', 'superseded', 'withdrawn')),
    CONSTRAINT ck_evidence_superseded CHECK ((superseded_by IS NOT NULL) = (status = 'superseded')),
    CONSTRAINT ck_evidence_withdrawn CHECK ((withdrawn_on IS NOT NULL) = (status = 'withdrawn')),
    CONSTRAINT ck_evidence_closed CHECK ((closed_at IS NOT NULL) = (status <> 'current')),
    CONSTRAINT ck_evidence_validity CHECK (valid_until > valid_from),
    CONSTRAINT ck_evidence_version CHECK (version > 0)
);
CREATE UNIQUE INDEX uq_evidence_current ON evidence (person_id, rule_set, fact, organisation, reliability)
    WHERE status = 'current';
CREATE INDEX ix_evidence_person_id ON evidence (person_id, created_at, evidence_id);
COMMENT ON TABLE evidence IS 'retention: person; values under the person''s key';

CREATE TABLE evidence_contest (
    contest_id uuid NOT NULL,
    evidence_id uuid NOT NULL,
    person_id uuid NOT NULL,
    rule_set text NOT NULL,
    fact text NOT NULL,
    organisation text NOT NULL,
    division_code text NOT NULL,
    status text NOT NULL,
    opened_on date NOT NULL,
    due_on date NOT NULL,
    is_due_provisional boolean NOT NULL,
    overdue_told_on date,
    decided_on date,
    corrected_by uuid,
    sealed bytea NOT NULL,
    version integer NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_evidence_contest PRIMARY KEY (contest_id),
    CONSTRAINT ck_evidence_contest_status CHECK (status IN ('open', 'upheld', 'corrected')),
    CONSTRAINT ck_evidence_contest_decided CHECK ((decided_on IS NOT NULL) = (status <> 'open')),
    CONSTRAINT ck_evidence_contest_corrected CHECK (corrected_by IS NULL OR status = 'corrected'),
    CONSTRAINT ck_evidence_contest_version CHECK (version > 0)
);
CREATE UNIQUE INDEX uq_evidence_contest_open ON evidence_contest (person_id, rule_set, fact, organisation) WHERE status = 'open';
CREATE INDEX ix_evidence_contest_person_id ON evidence_contest (person_id);
CREATE INDEX ix_evidence_contest_due_on ON evidence_contest (due_on) WHERE status = 'open';
COMMENT ON TABLE evidence_contest IS 'retention: person; what was said and answered under the person''s key';
"""

_POLICIES = """
SELECT protect_rows('evidence'), protect_rows('evidence_contest');
CREATE POLICY clients_see ON evidence FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY offices_give ON evidence FOR INSERT WITH CHECK (is_file_visible(person_id) AND is_in_row_division(division_code));
CREATE POLICY offices_close ON evidence FOR UPDATE USING (is_file_visible(person_id));
CREATE POLICY clients_see ON evidence_contest FOR SELECT USING (is_file_visible(person_id));
CREATE POLICY offices_open ON evidence_contest FOR INSERT
    WITH CHECK (is_file_visible(person_id) AND is_in_row_division(division_code));
CREATE POLICY offices_answer ON evidence_contest FOR UPDATE USING (is_file_visible(person_id));
CREATE POLICY clients_see_evidence ON history FOR SELECT USING (
    resource = 'evidence' AND EXISTS (SELECT FROM evidence e WHERE e.evidence_id = history.resource_id)
    OR resource = 'evidence_contest' AND EXISTS (SELECT FROM evidence_contest c WHERE c.contest_id = history.resource_id));
-- Whoever sees a person's file sees the papers of it.
CREATE POLICY seen_with_the_person ON attachment FOR SELECT USING (
    is_file_visible(attachment.person_id)
    OR EXISTS (SELECT FROM attachment_reference r
        WHERE r.attachment_id = attachment.attachment_id AND is_file_visible(r.person_id) OFFSET 0));
"""

_DOORS = """
-- Whom the tokens of documents name: of each place the one human, whose file the client sees. Where a number is two humans',
-- neither is named; that it is shared is told to whoever sees one of them. Looked for among all persons: who saw but one of two
-- would otherwise be given that one for the other.
CREATE FUNCTION persons_of_documents(places integer[], tokens text[])
RETURNS TABLE (place integer, person_id uuid, is_shared boolean) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY
    WITH named AS (
        SELECT DISTINCT g.place, coalesce(a.canonical_person_id, d.person_id) AS human
        FROM unnest(places, tokens) AS g (place, token)
        JOIN mirror_person_document d USING (token)
        LEFT JOIN mirror_person_alias a ON a.person_id = d.person_id AND a.unmerged_on IS NULL
    )
    SELECT n.place, CASE WHEN count(*) = 1 THEN min(CAST(n.human AS text))::uuid END, count(*) > 1
    FROM named n GROUP BY n.place HAVING bool_or(is_file_visible(n.human));
    PERFORM narrow_row_context(asked_as);
END $$;

-- Whoever gives evidence of persons holds them, in order, under the id they are known by now: what is given about one person comes
-- one after the other, and an erasure waits, or has been. Names only those whose file the client sees.
CREATE FUNCTION hold_persons(wanted uuid[]) RETURNS TABLE (asked_id uuid, person_id uuid) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
    known uuid[];
BEGIN
    SELECT array_agg(h.person_id) INTO known FROM (
        SELECT m.person_id FROM mirror_person m
        WHERE m.person_id IN (
            SELECT coalesce(a.canonical_person_id, w.id) FROM unnest(wanted) AS w (id)
            LEFT JOIN mirror_person_alias a ON a.person_id = w.id AND a.unmerged_on IS NULL)
        AND (asked_as = 'service' OR is_file_visible(m.person_id))
        ORDER BY m.person_id FOR UPDATE OF m
    ) h;
    RETURN QUERY SELECT DISTINCT w.id, coalesce(a.canonical_person_id, w.id) FROM unnest(wanted) AS w (id)
        LEFT JOIN mirror_person_alias a ON a.person_id = w.id AND a.unmerged_on IS NULL
        WHERE coalesce(a.canonical_person_id, w.id) = ANY (known);
    PERFORM narrow_row_context(asked_as);
END $$;

-- Codes of the divisions whose clients see a person's file, for the events' followers.
CREATE FUNCTION divisions_of_files(persons uuid[], seen_since date) RETURNS TABLE (person_id uuid, division_codes text[])
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    asked_as text := widen_row_context();
BEGIN
    RETURN QUERY SELECT w.id, CASE WHEN count(r.division_code) = 0 THEN ARRAY[home_city()]
        ELSE coalesce(array_agg(DISTINCT r.division_code) FILTER (WHERE r.ended_on IS NULL OR r.ended_on > seen_since), '{}') END
    FROM unnest(persons) AS w (id)
    LEFT JOIN mirror_residence_registration r ON r.person_id = w.id OR r.person_id IN (
        SELECT a.person_id FROM mirror_person_alias a WHERE a.canonical_person_id = w.id AND a.unmerged_on IS NULL)
    GROUP BY w.id;
    PERFORM narrow_row_context(asked_as);
END $$;
"""


def upgrade() -> None:
    """Files and long work of the chassis, then the tables, who sees them, and the doors."""
    ground.apply(op, 7)
    ground.apply(op, 8)
    for script in (_TABLES, _POLICIES, _DOORS):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("what was given stays given")
