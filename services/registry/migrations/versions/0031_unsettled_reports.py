"""Reports of employments, lettings and stays whose deadline was counted before the calendar was held, for the job that settles
them when it is.

Revision ID: 0031
Revises: 0030
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_COLUMNS = """
ALTER TABLE employment ADD COLUMN start_unsettled_on date, ADD COLUMN end_unsettled_on date;
ALTER TABLE premises ADD COLUMN report_unsettled_on date, ADD COLUMN end_unsettled_on date;
ALTER TABLE stay ADD COLUMN report_unsettled_on date, ADD COLUMN end_unsettled_on date;
"""
# Of reports made before, those that could not be told. The day of a report on a home or a stay was not written down: it is the
# day of the row, or of its last change, which an end is.
_BEFORE = """
UPDATE employment SET
    start_unsettled_on = CASE WHEN start_reported_late IS NULL AND start_due_on IS NOT NULL THEN start_reported_on END,
    end_unsettled_on = CASE WHEN end_reported_late IS NULL AND end_due_on IS NOT NULL THEN end_reported_on END
WHERE start_reported_late IS NULL AND start_due_on IS NOT NULL OR end_reported_late IS NULL AND end_due_on IS NOT NULL;
UPDATE premises SET
    report_unsettled_on = CASE WHEN reported_late IS NULL AND report_due_on IS NOT NULL
        THEN CAST(created_at AT TIME ZONE 'Asia/Shanghai' AS date) END,
    end_unsettled_on = CASE WHEN end_reported_late IS NULL AND ended_on >= date '2009-10-01'
        THEN CAST(updated_at AT TIME ZONE 'Asia/Shanghai' AS date) END
WHERE reported_late IS NULL AND report_due_on IS NOT NULL OR end_reported_late IS NULL AND ended_on >= date '2009-10-01';
UPDATE stay SET
    report_unsettled_on = CASE WHEN reported_late IS NULL AND report_due_on IS NOT NULL
        THEN CAST(created_at AT TIME ZONE 'Asia/Shanghai' AS date) END,
    end_unsettled_on = CASE WHEN end_reported_late IS NULL AND ended_at >= timestamptz '2009-10-01 00:00+08'
        THEN CAST(updated_at AT TIME ZONE 'Asia/Shanghai' AS date) END
WHERE reported_late IS NULL AND report_due_on IS NOT NULL
    OR end_reported_late IS NULL AND ended_at >= timestamptz '2009-10-01 00:00+08';
"""
_INDEXES = """
CREATE INDEX ix_employment_start_unsettled ON employment (started_on) WHERE start_unsettled_on IS NOT NULL;
CREATE INDEX ix_employment_end_unsettled ON employment (ended_on) WHERE end_unsettled_on IS NOT NULL;
CREATE INDEX ix_premises_report_unsettled ON premises (let_from) WHERE report_unsettled_on IS NOT NULL;
CREATE INDEX ix_premises_end_unsettled ON premises (ended_on) WHERE end_unsettled_on IS NOT NULL;
CREATE INDEX ix_stay_report_unsettled ON stay (started_at) WHERE report_unsettled_on IS NOT NULL;
CREATE INDEX ix_stay_end_unsettled ON stay (ended_at) WHERE end_unsettled_on IS NOT NULL;
"""
_END_STAY = """
DROP FUNCTION end_stay(uuid, uuid, timestamptz, text, boolean, integer, timestamptz);
-- As in 0030, with the day of a report that cannot be settled yet.
CREATE FUNCTION end_stay(
    of_person uuid, open_stay uuid, ends_at timestamptz, reason text, is_late boolean, unsettled_on date, next_version integer,
    at timestamptz
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text := widen_row_context();
    guests uuid[] := ids_of_human(of_person);
    is_done boolean;
BEGIN
    PERFORM narrow_row_context(asked_as);
    IF NOT EXISTS (SELECT FROM stay WHERE stay_id = open_stay)
        AND NOT EXISTS (SELECT FROM person WHERE person_id = ANY (guests)) THEN
        RETURN false;
    END IF;
    asked_as := widen_row_context();
    UPDATE stay SET ended_at = ends_at, end_reason = reason, end_reported_late = is_late, end_unsettled_on = unsettled_on,
        version = next_version, updated_at = at
        WHERE stay_id = open_stay AND person_id = of_person AND ended_at IS NULL AND version = next_version - 1;
    is_done := FOUND;
    PERFORM narrow_row_context(asked_as);
    RETURN is_done;
END $$;
"""


def upgrade() -> None:
    for script in (_COLUMNS, _BEFORE, _INDEXES, _END_STAY):
        execute_script(op, script)


def downgrade() -> None:
    raise RuntimeError("when something was told stays known")
