"""Is the evidence in time? Every replica looks, warns early, and in the end stops serving personal data (reliability.md 31).

Overdue is a line without a seal, or a checkpoint without a copy in each place, that is older than the bound. A quiet service is
never overdue: nothing waits.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis.db import Pool, Record, Transaction, in_transaction, prepare, without_transaction
from services.chassis.errors import DomainError
from services.chassis.evidence.metrics import COPIED_SECONDS, UNCOPIED_SECONDS, UNSEALED, UNSEALED_SECONDS
from services.chassis.rows import SERVICE

logger = logging.getLogger(__name__)

WARN_AGE_S = 60.0
_LOOK_EVERY_S = 5.0
_LOG_EVERY_S = 300.0
_COUNT_MAX = 10_000

# Where the sealed lines end is a row in any case. A `coalesce` around it in the condition on `audit_line` would have to wait
# for the row policy, before which only what is leakproof may be asked: every line there is would answer then, not the index.
_LOOK = prepare(
    """
    WITH newest AS (
        SELECT coalesce(c.sealed_xid, '0') AS xid,
            coalesce(c.sealed_audit_id, '00000000-0000-0000-0000-000000000000') AS audit_id
        FROM (VALUES (1)) one (one)
        LEFT JOIN LATERAL (SELECT * FROM audit_checkpoint ORDER BY tree_size DESC LIMIT 1) c ON true
    ), unsealed AS (
        SELECT recorded_at FROM audit_line
        WHERE (xid, audit_id) > ((SELECT xid FROM newest), (SELECT audit_id FROM newest))
          AND (SELECT position FROM audit_seal WHERE audit_seal.audit_id = audit_line.audit_id) IS NULL
        ORDER BY xid, audit_id LIMIT CAST(:count_max AS integer)
    ), copied AS (
        SELECT min(coalesce(c.tree_size, 0)) AS tree_size
        FROM unnest(CAST(:places AS text[])) p (place) LEFT JOIN audit_copy c USING (place)
    )
    SELECT (SELECT count(*) FROM unsealed) AS unsealed,
           CAST((
               SELECT extract(epoch FROM clock_timestamp() - min(recorded_at)) FROM unsealed
           ) AS double precision) AS unsealed_s,
           CAST((
               SELECT extract(epoch FROM clock_timestamp() - signed_at) FROM audit_checkpoint
               WHERE tree_size > (SELECT tree_size FROM copied) ORDER BY tree_size LIMIT 1
           ) AS double precision) AS uncopied_s
    """
)
# A plan made while the tables are small would read all seals for every line, and PostgreSQL keeps it while they grow.
_BY_INDEX = "SET LOCAL enable_seqscan = off"
_COPIES = prepare(
    "SELECT place, CAST(extract(epoch FROM clock_timestamp() - copied_at) AS double precision) AS age_s FROM audit_copy"
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: lines without a seal (counted up to 10,000), and the ages in seconds of the oldest of each kind."""

    unsealed: int
    unsealed_s: float
    uncopied_s: float

    @property
    def oldest_s(self) -> float:
        """Age of the oldest evidence that is not safe yet."""
        return max(self.unsealed_s, self.uncopied_s)


async def look(pool: Pool, places: Sequence[str]) -> Backlog:
    """What waits in this database now."""

    async def measure(tx: Transaction) -> Record | None:
        await tx.connection.execute(_BY_INDEX)
        return await tx.fetch_row(_LOOK, places=list(places), count_max=_COUNT_MAX)

    row = await in_transaction(pool, measure, rows=SERVICE)
    assert row is not None
    return Backlog(row["unsealed"], max(row["unsealed_s"] or 0.0, 0.0), max(row["uncopied_s"] or 0.0, 0.0))


class Watch:
    """The eye of one process on its service's evidence."""

    def __init__(self, pool: Pool, *, service: str, places: Sequence[str], age_max_s: float) -> None:
        self._pool = pool
        self._service = service
        self._places = tuple(places)
        self._age_max_s = age_max_s
        self._backlog = Backlog(0, 0.0, 0.0)
        self._looked_at = time.monotonic()
        self._log_at = 0.0

    async def run(self) -> None:
        """Look until cancelled; while the database does not answer, what waited before grows older."""
        while True:
            try:
                await self.look()
            except Exception as error:
                logger.warning("the audit backlog could not be measured", exc_info=error)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def look(self) -> None:
        """Measure once."""
        self._backlog = await look(self._pool, self._places)
        self._looked_at = time.monotonic()
        UNSEALED.labels(self._service).set(self._backlog.unsealed)
        UNSEALED_SECONDS.labels(self._service).set(self._backlog.unsealed_s)
        UNCOPIED_SECONDS.labels(self._service).set(self._backlog.uncopied_s)
        async with without_transaction(self._pool, rows=SERVICE) as tx:
            for row in await tx.fetch(_COPIES):
                COPIED_SECONDS.labels(self._service, row["place"]).set(row["age_s"])
        if (text := self.warning()) is not None and time.monotonic() >= self._log_at:
            self._log_at = time.monotonic() + _LOG_EVERY_S
            logger.error("audit evidence is late", extra={"fields": {"detail": text}})

    def refuse_if_overdue(self) -> None:
        """Raise `DomainError('audit-overdue')` once something has waited too long."""
        if self._age_s() > self._age_max_s:
            raise DomainError("audit-overdue", retry_after=60)

    def warning(self) -> str | None:
        """What `/readyz` tells before it comes to that."""
        age_s = self._age_s()
        if age_s <= WARN_AGE_S:
            return None
        kind = "not sealed" if self._backlog.unsealed_s >= self._backlog.uncopied_s else "not copied to two places"
        verdict = "are refused" if age_s > self._age_max_s else f"will be refused after {self._age_max_s:.0f} s"
        return f"evidence {kind} for {age_s:.0f} s; personal data {verdict}"

    def _age_s(self) -> float:
        if self._backlog.oldest_s == 0.0:
            return 0.0
        return self._backlog.oldest_s + time.monotonic() - self._looked_at
