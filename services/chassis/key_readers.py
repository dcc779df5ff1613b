"""Waiting until the running processes of a service follow a change of its keys, and until what began before it has ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from services.chassis.db import Pool, Transaction, in_transaction, prepare
from services.chassis.rows import SERVICE

_LOOK_AGAIN_S = 0.2

_TRY_LOCK = prepare("SELECT pg_try_advisory_lock(hashtextextended('xinshimin key rotation', 0))")
_UNLOCK = prepare("SELECT pg_advisory_unlock(hashtextextended('xinshimin key rotation', 0))")
_NOW = prepare("SELECT clock_timestamp()")
_BEHIND = prepare(
    """
    SELECT count(*) FROM key_reader WHERE lapses_at > clock_timestamp()
    AND NOT ((CAST(:knows AS text) IS NULL OR CAST(:knows AS text) = ANY (knows))
        AND (CAST(:only AS text) IS NULL OR NOT EXISTS (
            SELECT FROM unnest(knows) AS known WHERE starts_with(known, split_part(:only, ':', 1) || ':') AND known <> :only))
        AND (CAST(:seals_with AS text) IS NULL OR seals_with = CAST(:seals_with AS text))
        AND (CAST(:kek_id AS text) IS NULL OR kek_id = CAST(:kek_id AS text)))
    """
)
# Sessions of other roles are not shown to us, and need not be: only the service's own role seals.
_OLDER_TRANSACTIONS = prepare(
    """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user
    AND pid <> pg_backend_pid() AND xact_start < CAST(:began AS timestamptz)
    """
)


class RotationError(Exception):
    """The rotation cannot go on now; what it did stays, and it can be repeated."""


Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class KeyReaders:
    """The processes of one service, as they tell in `key_reader` which keys they have. `pool` logs in as their role."""

    pool: Pool
    progress: Progress
    wait_s: float = 120.0

    async def follow(
        self,
        what: str,
        *,
        knows: str | None = None,
        only: str | None = None,
        seals_with: str | None = None,
        kek_id: str | None = None,
    ) -> None:
        """Wait until every process says so; raises `RotationError` when one does not.

        With `only` it has no other key of that kind, which is what stands before the colon.
        """

        async def behind(tx: Transaction) -> int:
            count: int = await tx.fetch_value(_BEHIND, knows=knows, only=only, seals_with=seals_with, kek_id=kek_id)
            return count

        await self.until_none(what, lambda: in_transaction(self.pool, behind, rows=SERVICE))

    async def older_transactions_end(self) -> None:
        """What began before all processes followed may still commit something made with the old key."""

        async def now(tx: Transaction) -> datetime:
            moment: datetime = await tx.fetch_value(_NOW)
            return moment

        began = await in_transaction(self.pool, now, rows=SERVICE)

        async def older(tx: Transaction) -> int:
            count: int = await tx.fetch_value(_OLDER_TRANSACTIONS, began=began)
            return count

        await self.until_none("older transactions have ended", lambda: in_transaction(self.pool, older, rows=SERVICE))

    async def until_none(self, what: str, count: Callable[[], Awaitable[int]]) -> None:
        """Wait until `count` gives 0; raises `RotationError` after `wait_s`."""
        deadline = asyncio.get_running_loop().time() + self.wait_s
        at_first = left = await count()
        while left:
            self.progress(f"waiting until {what}", max(at_first - left, 0), at_first)
            if asyncio.get_running_loop().time() > deadline:
                raise RotationError(f"Waited {self.wait_s:.0f} s in vain until {what}: {left} to go. Repeat when they do.")
            await asyncio.sleep(_LOOK_AGAIN_S)
            left = await count()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """One rotation per service at a time."""
        async with self.pool.acquire() as connection:
            tx = Transaction(connection)
            if not await tx.fetch_value(_TRY_LOCK):
                raise RotationError("Another rotation of this service is running.")
            try:
                yield
            finally:
                await tx.execute(_UNLOCK)
