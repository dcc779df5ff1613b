"""Two open applications of persons who turn out to be one human are put before people (architecture §1).

Revision ID: 0018
Revises: 0017
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE application_conflict (
    conflict_id uuid NOT NULL,
    person_id uuid NOT NULL,
    purpose text NOT NULL,
    application_id uuid NOT NULL,
    other_application_id uuid NOT NULL,
    division_codes text[] NOT NULL,
    opened_on date NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_application_conflict PRIMARY KEY (conflict_id),
    CONSTRAINT fk_application_conflict_application_id_application FOREIGN KEY (application_id)
        REFERENCES application (application_id),
    CONSTRAINT fk_application_conflict_other_application_id_application FOREIGN KEY (other_application_id)
        REFERENCES application (application_id),
    CONSTRAINT uq_application_conflict_pair UNIQUE (application_id, other_application_id),
    CONSTRAINT ck_application_conflict_order CHECK (application_id < other_application_id)
);
CREATE INDEX ix_application_conflict_created_at ON application_conflict (created_at, conflict_id);
CREATE INDEX ix_application_conflict_other_application_id ON application_conflict (other_application_id);
CREATE INDEX ix_application_conflict_person_id ON application_conflict (person_id);
COMMENT ON TABLE application_conflict IS 'retention: person; ids only';

CREATE INDEX ix_application_for_person_id ON application (for_person_id) WHERE for_person_id IS NOT NULL;
CREATE INDEX ix_application_family_person_ids ON application USING gin (family_person_ids);
"""

_DOORS = """
SELECT protect_rows('application_conflict');
CREATE POLICY offices_see ON application_conflict FOR SELECT
    USING (EXISTS (SELECT FROM unnest(division_codes) AS d (code) WHERE is_in_row_division(d.code)));

-- Pairs of open applications for the same of which a human may have one (P-08): for one child, or of one who applies or whose
-- score may count. Of these humans, by ids in use, as far as the asking context sees.
CREATE FUNCTION applications_in_conflict(humans uuid[]) RETURNS TABLE (
    person_id uuid, purpose text, application_id uuid, other_application_id uuid, division_codes text[]
) LANGUAGE sql STABLE AS $$
    WITH named AS (
        SELECT h.human, h.human AS id FROM unnest(humans) AS h (human)
        UNION ALL
        SELECT m.canonical_person_id, m.person_id FROM mirror_person_alias m
        WHERE m.canonical_person_id = ANY (humans) AND m.unmerged_on IS NULL
    ), claim AS (
        SELECT n.human, true AS is_for_child, a.purpose, a.application_id, a.division_code, a.status
        FROM named n JOIN application a ON a.for_person_id = n.id
        UNION
        SELECT n.human, false, a.purpose, a.application_id, a.division_code, a.status
        FROM named n JOIN application a ON a.person_id = n.id AND a.for_person_id IS NULL
        UNION
        SELECT n.human, false, a.purpose, a.application_id, a.division_code, a.status
        FROM named n JOIN application a ON a.family_person_ids @> ARRAY[n.id] AND a.for_person_id IS NULL
    ), standing AS (
        SELECT * FROM claim WHERE status IN ('received', 'scored', 'in_recheck')
    )
    SELECT one.human, one.purpose, one.application_id, other.application_id, ARRAY[one.division_code, other.division_code]
    FROM standing one JOIN standing other
        ON (other.human, other.is_for_child, other.purpose) = (one.human, one.is_for_child, one.purpose)
        AND other.application_id > one.application_id
$$;

-- Whether both are still open and still of one human: told as yes or no, though one may be another office's.
CREATE FUNCTION is_application_conflict_open(of_conflict uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    found boolean;
BEGIN
    SELECT EXISTS (
        SELECT FROM application_conflict c
        LEFT JOIN mirror_person_alias m ON m.person_id = c.person_id AND m.unmerged_on IS NULL
        CROSS JOIN LATERAL applications_in_conflict(ARRAY[coalesce(m.canonical_person_id, c.person_id)]) p
        WHERE c.conflict_id = of_conflict
            AND (p.application_id, p.other_application_id) = (c.application_id, c.other_application_id)
    ) INTO found;
    PERFORM narrow_row_context(asked_as);
    RETURN found;
END $$;
"""


def upgrade() -> None:
    """The table, who sees its rows, and what says whether a conflict stands."""
    execute_script(op, _TABLE)
    execute_script(op, _DOORS)


def downgrade() -> None:
    raise RuntimeError("what was put before people stays known")
