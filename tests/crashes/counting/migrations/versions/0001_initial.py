"""The chassis's tables, all of them, the effects and the poison."""

from pathlib import Path

from alembic import op

from services.chassis import ground
from services.chassis.migrations import execute_script

revision = "0001_initial"
down_revision = None


def upgrade() -> None:
    """As a service that was made today."""
    for path in sorted(Path(ground.__file__).parent.glob("*.sql")):
        ground.apply(op, int(path.stem))
    execute_script(
        op,
        """
        CREATE TABLE effect (
            effect_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_effect PRIMARY KEY,
            person_id uuid NOT NULL,
            sequence bigint NOT NULL,
            event_id uuid NOT NULL,
            event_type text NOT NULL
        );
        COMMENT ON TABLE effect IS 'retention: one test';
        CREATE TABLE poison (person_id uuid CONSTRAINT pk_poison PRIMARY KEY);
        COMMENT ON TABLE poison IS 'retention: one test';
        """,
    )
