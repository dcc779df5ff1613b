"""How far the sandbox has moved the law clock, as each service's database remembers it."""

from datetime import timedelta

from services.chassis.db import Transaction, prepare

_LOAD = prepare("SELECT offset_seconds FROM sandbox_clock")
_SAVE = prepare(
    """
    INSERT INTO sandbox_clock (offset_seconds) VALUES (:offset_seconds)
    ON CONFLICT (one_row) DO UPDATE SET offset_seconds = excluded.offset_seconds
    """
)


async def load_offset(tx: Transaction) -> timedelta:
    """The offset the law clock was last set to."""
    seconds: float | None = await tx.fetch_value(_LOAD)
    return timedelta(seconds=seconds or 0.0)


async def save_offset(tx: Transaction, offset: timedelta) -> None:
    """Remember it for the process's next life, and for its workers."""
    await tx.execute(_SAVE, offset_seconds=offset.total_seconds())
