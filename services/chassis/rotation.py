"""New keys for old while the service runs: another data key for every sealed value, another key-encryption key for every key.

The order leaves no moment in which a process could meet a value it cannot open: all know the new key before any seals with it,
and all seal with it before the old values are sealed again. An interrupted rotation is taken up where it stands.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from services.chassis import data_keys
from services.chassis.db import Pool, Transaction, in_transaction, prepare
from services.chassis.key_readers import KeyReaders, Progress, RotationError
from services.chassis.keyring import Keyring
from services.chassis.resealing import Open, Resealing
from services.chassis.rows import SERVICE
from services.chassis.sealed_columns import WRAPPED, SealedColumn
from services.chassis.sealing import Key

__all__ = ["Progress", "Rotation", "RotationError", "RotationReport"]

Result = TypeVar("Result")

_PASSES_MAX = 20

_ACTIVATE = prepare("UPDATE data_key SET activated_at = clock_timestamp() WHERE key_id = :key_id AND activated_at IS NULL")
_RETIRE = prepare(
    "UPDATE data_key SET retired_at = now() WHERE key_id <> :key_id AND activated_at IS NOT NULL AND retired_at IS NULL"
)


@dataclass(slots=True)
class RotationReport:
    """What was done: values sealed again per column; `left` was counted after the last of them."""

    key_id: str
    suite: str
    resealed: dict[str, int] = field(default_factory=dict)
    retired: list[str] = field(default_factory=list)
    left: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Rotation:
    """The keys of one service. `pool` logs in as the service's own role, `owner` as one that may change history rows."""

    pool: Pool
    owner: Pool
    keyring: Keyring
    progress: Progress
    wait_s: float = 120.0

    @property
    def _readers(self) -> KeyReaders:
        return KeyReaders(self.pool, self.progress, self.wait_s)

    async def rotate(self, columns: Sequence[SealedColumn]) -> RotationReport:
        """Seal every value of `columns` under a new data key, prove that none is left under another, retire the others.

        Raises `RotationError` when a process does not follow, a transaction does not end or values stay behind.
        """
        async with self._readers.alone():
            key_id = await self._announced()
            await data_keys.learn(self.pool, self.keyring)
            await self._readers.follow(f"processes know {key_id}", knows=key_id)
            await self._write(lambda tx: tx.execute(_ACTIVATE, key_id=key_id))
            await data_keys.learn(self.pool, self.keyring)
            await self._readers.follow(f"processes seal with {key_id}", knows=key_id, seals_with=key_id)
            await self._readers.older_transactions_end()
            key = self.keyring.current
            report = RotationReport(key_id, key.suite.name)
            await self._reseal(columns, self.keyring.open, key, report)
            others = [each for each in await self._keys() if each.state == "active" and each.key_id != key_id]
            await self._write(lambda tx: tx.execute(_RETIRE, key_id=key_id))
            report.retired = [each.key_id for each in others]
            return report

    async def rewrap(self) -> RotationReport:
        """Wrap every data key and every person's key under the key-encryption key the key file says is current."""
        async with self._readers.alone():
            self.keyring.read_again()
            await data_keys.learn(self.pool, self.keyring)
            kek = self.keyring.kek
            await self._readers.follow(
                f"processes wrap with {self.keyring.kek_id}",
                knows=self.keyring.current.key_id.decode(),
                kek_id=self.keyring.kek_id,
            )
            await self._readers.older_transactions_end()
            report = RotationReport(self.keyring.kek_id, kek.suite.name)
            await self._reseal(WRAPPED, self.keyring.unwrap, kek, report)
            return report

    async def _reseal(self, columns: Sequence[SealedColumn], opens: Open, key: Key, report: RotationReport) -> None:
        began = asyncio.get_running_loop().time()
        for column in columns:
            work = Resealing(self.owner, column, opens, key)
            report.resealed[column.label] = await self._reseal_column(work)
        for column in columns:
            report.left += await Resealing(self.owner, column, opens, key).left()
        report.seconds = asyncio.get_running_loop().time() - began
        if report.left:
            raise RotationError(f"{report.left} values appeared under another key meanwhile; no key was retired. Repeat.")

    async def _reseal_column(self, work: Resealing) -> int:
        label = work.column.label
        total, done = await work.left(), 0
        for attempt in range(_PASSES_MAX):
            before = done
            done += await work.pass_over(partial(self._tell, label, before, total))
            if await work.left() == 0:
                return done
            await asyncio.sleep(min(0.05 * 2**attempt, 5))  # rows that others hold
        raise RotationError(f"{label}: {await work.left()} values are held by other transactions. Repeat.")

    def _tell(self, label: str, before: int, total: int, count: int) -> None:
        self.progress(label, before + count, total)

    async def _announced(self) -> str:
        """The key to rotate to: that of an unfinished rotation, or a new one."""
        keys = await self._keys()
        waiting = [key.key_id for key in keys if key.state == "announced"]
        active = [key.key_id for key in keys if key.state == "active"]
        if waiting:
            return waiting[-1]
        if len(active) > 1:
            return active[-1]
        return await self._write(lambda tx: data_keys.announce(tx, self.keyring))

    async def _keys(self) -> list[data_keys.DataKey]:
        return await self._write(data_keys.all_keys)

    async def _write(self, act: Callable[[Transaction], Awaitable[Result]]) -> Result:
        return await in_transaction(self.pool, act, rows=SERVICE)
