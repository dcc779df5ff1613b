"""Acts of two officers, and persons the registry deleted.

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

_DELETED = """
CREATE TABLE mirror_person_deleted (
    person_id uuid NOT NULL,
    deleted_on date NOT NULL,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_mirror_person_deleted PRIMARY KEY (person_id),
    CONSTRAINT ck_mirror_person_deleted_guard CHECK (version > 0 AND sequence > 0)
);
COMMENT ON TABLE mirror_person_deleted IS 'retention: 3 years (V-33); ids only';
"""


def upgrade() -> None:
    """The chassis's proposals, then the mirror's memory of who is gone."""
    ground.apply(op, 5)
    execute_script(op, _DELETED)


def downgrade() -> None:
    raise RuntimeError("what was deleted stays deleted")
