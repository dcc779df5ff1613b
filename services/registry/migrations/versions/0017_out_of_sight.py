"""What a model of architecture §6 found to be seen too long, or by too many (tests/registry/test_row_model.py).

Revision ID: 0017
Revises: 0016
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# A stay ends at an hour, and was seen for the rest of its last day too many. A file about somebody was seen by the uploading
# division as long as it was kept, however long ago the person had left. Who only resolved an alias was told its conflicts.
_POLICIES = """
ALTER POLICY clients_see ON stay USING (
    is_in_row_division(division_code) AND (
        ended_at IS NULL
        OR CAST(ended_at AT TIME ZONE 'Asia/Shanghai' AS date) > row_seen_since() AND NOT EXISTS (
            SELECT FROM person_restriction r WHERE r.person_id = stay.person_id AND r.lifted_on IS NULL OFFSET 0)));
ALTER POLICY uploaders_see ON attachment USING (
    is_in_row_division(division_code) AND person_id IS NULL
    AND NOT EXISTS (SELECT FROM attachment_reference r WHERE r.attachment_id = attachment.attachment_id OFFSET 0));
ALTER POLICY clients_see ON merge_conflict USING (EXISTS (
    SELECT FROM person_alias a JOIN person_division d ON d.person_id IN (a.person_id, a.canonical_person_id)
    WHERE a.merge_id = merge_conflict.merge_id OFFSET 0));
"""
_BEFORE = """
ALTER POLICY clients_see ON stay USING (
    is_in_row_division(division_code) AND (ended_at IS NULL OR ended_at > row_seen_since() AND NOT EXISTS (
        SELECT FROM person_restriction r WHERE r.person_id = stay.person_id AND r.lifted_on IS NULL OFFSET 0)));
ALTER POLICY uploaders_see ON attachment USING (is_in_row_division(division_code));
ALTER POLICY clients_see ON merge_conflict
    USING (EXISTS (SELECT FROM person_alias a WHERE a.merge_id = merge_conflict.merge_id OFFSET 0));
"""


def upgrade() -> None:
    """Two years to the day; files about somebody with the person; conflicts to whoever sees one of the two."""
    execute_script(op, _POLICIES)


def downgrade() -> None:
    """As they were."""
    execute_script(op, _BEFORE)
