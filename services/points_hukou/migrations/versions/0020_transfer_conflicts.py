"""Two open household transfers of persons who turn out to be one human are put before people (architecture §1).

Revision ID: 0020
Revises: 0019
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE household_transfer_conflict (
    conflict_id uuid NOT NULL,
    person_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    other_transfer_id uuid NOT NULL,
    division_codes text[] NOT NULL,
    opened_on date NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_household_transfer_conflict PRIMARY KEY (conflict_id),
    CONSTRAINT fk_household_transfer_conflict_transfer_id FOREIGN KEY (transfer_id)
        REFERENCES household_transfer (transfer_id),
    CONSTRAINT fk_household_transfer_conflict_other_transfer_id FOREIGN KEY (other_transfer_id)
        REFERENCES household_transfer (transfer_id),
    CONSTRAINT uq_household_transfer_conflict_pair UNIQUE (transfer_id, other_transfer_id),
    CONSTRAINT ck_household_transfer_conflict_order CHECK (transfer_id < other_transfer_id)
);
CREATE INDEX ix_household_transfer_conflict_created_at ON household_transfer_conflict (created_at, conflict_id);
CREATE INDEX ix_household_transfer_conflict_other_transfer_id ON household_transfer_conflict (other_transfer_id);
CREATE INDEX ix_household_transfer_conflict_person_id ON household_transfer_conflict (person_id);
COMMENT ON TABLE household_transfer_conflict IS 'retention: person; ids only';
"""

_DOORS = """
SELECT protect_rows('household_transfer_conflict');
CREATE POLICY offices_see ON household_transfer_conflict FOR SELECT
    USING (EXISTS (SELECT FROM unnest(division_codes) AS d (code) WHERE is_in_row_division(d.code)));

-- Pairs of open cases of one human, of these humans by ids in use, as far as the asking context sees.
CREATE FUNCTION transfers_in_conflict(humans uuid[]) RETURNS TABLE (
    person_id uuid, transfer_id uuid, other_transfer_id uuid, division_codes text[]
) LANGUAGE sql STABLE AS $$
    WITH named AS (
        SELECT h.human, h.human AS id FROM unnest(humans) AS h (human)
        UNION ALL
        SELECT m.canonical_person_id, m.person_id FROM mirror_person_alias m
        WHERE m.canonical_person_id = ANY (humans) AND m.unmerged_on IS NULL
    ), standing AS (
        SELECT n.human, t.transfer_id, t.division_code FROM named n JOIN household_transfer t ON t.person_id = n.id
        WHERE t.status IN ('opened', 'approved', 'completed', 'returned')
    )
    SELECT one.human, one.transfer_id, other.transfer_id, ARRAY[one.division_code, other.division_code]
    FROM standing one JOIN standing other ON other.human = one.human AND other.transfer_id > one.transfer_id
$$;

-- Whether both are still open and still of one human: told as yes or no, though one may be another office's.
CREATE FUNCTION is_transfer_conflict_open(of_conflict uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked_as text := widen_row_context();
    found boolean;
BEGIN
    SELECT EXISTS (
        SELECT FROM household_transfer_conflict c
        LEFT JOIN mirror_person_alias m ON m.person_id = c.person_id AND m.unmerged_on IS NULL
        CROSS JOIN LATERAL transfers_in_conflict(ARRAY[coalesce(m.canonical_person_id, c.person_id)]) p
        WHERE c.conflict_id = of_conflict AND (p.transfer_id, p.other_transfer_id) = (c.transfer_id, c.other_transfer_id)
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
