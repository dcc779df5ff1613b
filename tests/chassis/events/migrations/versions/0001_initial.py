"""What the mirror keeps: one line per effect, never overwritten, so that a second effect of one event shows."""

from alembic import op

from services.chassis import ground

revision = "0001_initial"
down_revision = None


def upgrade() -> None:
    """The chassis's tables and the mirror's journal."""
    ground.apply(op, 1)
    ground.apply(op, 2)
    ground.apply(op, 3)
    ground.apply(op, 4)
    ground.apply(op, 5)
    ground.apply(op, 6)
    op.execute(
        """
        CREATE TABLE effect (
            effect_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_effect PRIMARY KEY,
            item_id uuid NOT NULL,
            sequence bigint NOT NULL,
            event_type text NOT NULL,
            amount integer NOT NULL CONSTRAINT ck_effect_amount CHECK (amount < 1000)
        )
        """
    )
