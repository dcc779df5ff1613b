"""Rate limits that hold across replicas: one row per client and operation, counted in PostgreSQL."""

from services.chassis.db import prepare
from services.chassis.errors import DomainError
from services.chassis.work import Work

_COUNT = prepare(
    """
    INSERT INTO rate_window AS w (client_id, operation, window_start, uses)
    VALUES (:client_id, :operation, now(), 1)
    ON CONFLICT (client_id, operation) DO UPDATE SET
        window_start = CASE WHEN w.window_start > now() - make_interval(secs => CAST(:window_s AS double precision))
                            THEN w.window_start ELSE now() END,
        uses = CASE WHEN w.window_start > now() - make_interval(secs => CAST(:window_s AS double precision))
                    THEN w.uses + 1 ELSE 1 END
    RETURNING uses, extract(epoch FROM window_start)::float8 + CAST(:window_s AS double precision)
                    - extract(epoch FROM now())::float8 AS seconds_left
    """
)
# No window is longer than a day.
DELETE_EXPIRED = prepare("DELETE FROM rate_window WHERE window_start < now() - interval '1 day'")


async def check(work: Work, operation: str, *, limit: int, window_s: float) -> None:
    """Count one use; raises `DomainError('too-many-requests')` beyond `limit` uses per `window_s` seconds.

    For reads, where the count stands by itself. In a write it would be rolled back with everything else when the act fails, and
    whoever guesses would not be counted.
    """
    row = await work.tx.fetch_row(_COUNT, client_id=work.principal.client_id, operation=operation, window_s=window_s)
    assert row is not None
    if row["uses"] > limit:
        raise DomainError("too-many-requests", retry_after=max(1, round(row["seconds_left"])))
