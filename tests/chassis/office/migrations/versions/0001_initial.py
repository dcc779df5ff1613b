"""Notes."""

from alembic import op

from services.chassis import ground

revision = "0001_initial"
down_revision = None


def upgrade() -> None:
    """The chassis's tables, then the note, with a constraint that only fires at COMMIT."""
    ground.apply(op, 1)
    ground.apply(op, 2)
    ground.apply(op, 3)
    ground.apply(op, 4)
    ground.apply(op, 5)
    ground.apply(op, 6)
    op.execute(
        """
        CREATE TABLE note (
            note_id uuid CONSTRAINT pk_note PRIMARY KEY,
            content text NOT NULL,
            closed boolean NOT NULL,
            version integer NOT NULL,
            created_at timestamp with time zone NOT NULL,
            CONSTRAINT uq_note_content UNIQUE (content) DEFERRABLE INITIALLY DEFERRED
        )
        """
    )
