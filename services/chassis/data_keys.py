"""Data keys in the database, and how the processes of a service keep in step about them.

A key is announced, then activated, then retired: made known to every process, used for sealing, no longer used. A process
reads the table every few seconds and notes in `key_reader` which keys it knows and which it seals with, so that a rotation
can wait for all of them; a key that turns up unannounced is looked up when a value names it (`routing`). Retired keys stay:
what a process that slept through a rotation may still have sealed with one must open.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from services.chassis import logs
from services.chassis.clock import utc_now
from services.chassis.db import Pool, Transaction, in_transaction, prepare
from services.chassis.errors import DomainError
from services.chassis.keyring import KeyFileError, Keyring
from services.chassis.rows import SERVICE
from services.chassis.sealing import Suite, UnknownKeyError, new_key

logger = logging.getLogger(__name__)

# A process that has not been seen for this many of its intervals, and some seconds, is not waited for.
_INTERVALS_TO_LAPSE = 3
_GRACE_S = 5.0

_LOCK = prepare("SELECT pg_advisory_xact_lock(hashtextextended('xinshimin data keys', 0))")
_ALL = prepare(
    """
    SELECT key_id, suite, wrapped, kek_id, created_at, activated_at, retired_at FROM data_key ORDER BY created_at, key_id
    """
)
_INSERT = prepare(
    """
    INSERT INTO data_key (key_id, suite, wrapped, kek_id, activated_at)
    VALUES (:key_id, :suite, :wrapped, :kek_id, CASE WHEN CAST(:active AS boolean) THEN now() END)
    """
)
_NOTE = prepare(
    """
    WITH forgotten AS (DELETE FROM key_reader WHERE lapses_at < now() - interval '1 day')
    INSERT INTO key_reader (reader_id, knows, seals_with, kek_id, lapses_at)
    VALUES (:reader_id, CAST(:knows AS text[]), :seals_with, :kek_id, now() + make_interval(secs => CAST(:lapse_s AS float8)))
    ON CONFLICT (reader_id) DO UPDATE SET knows = excluded.knows, seals_with = excluded.seals_with,
        kek_id = excluded.kek_id, lapses_at = excluded.lapses_at
    """
)
_LEAVE = prepare("DELETE FROM key_reader WHERE reader_id = :reader_id")


@dataclass(frozen=True, slots=True)
class DataKey:
    """A row of `data_key`, still wrapped."""

    key_id: str
    suite: Suite
    wrapped: bytes
    kek_id: str
    state: str


async def all_keys(tx: Transaction) -> list[DataKey]:
    """Every data key, oldest first."""
    found = []
    for row in await tx.fetch(_ALL):
        state = "retired" if row["retired_at"] else "active" if row["activated_at"] else "announced"
        found.append(DataKey(row["key_id"], Suite(row["suite"]), row["wrapped"], row["kek_id"], state))
    return found


def newest_active(keys: Sequence[DataKey]) -> DataKey | None:
    """The key to seal with."""
    return next((key for key in reversed(keys) if key.state == "active"), None)


def token_key(name: str) -> str:
    """How a process says in `key_reader` that it has a document token key: no data key has such a name."""
    return f"document-token:{name}"


def wrapping_context(key_id: str, suite: int) -> str:
    """Where a wrapped data key lies; authenticated with it."""
    return f"data_key|{key_id}|{suite}"


async def announce(tx: Transaction, keyring: Keyring, *, active: bool = False) -> str:
    """Make a data key and return its id; nobody seals with it before it is active."""
    key_id = f"{utc_now():%Y%m%d}-{secrets.token_hex(3)}"
    wrapped = keyring.wrap(new_key(keyring.suite), wrapping_context(key_id, keyring.suite))
    await tx.execute(_INSERT, key_id=key_id, suite=keyring.suite, wrapped=wrapped, kek_id=keyring.kek_id, active=active)
    return key_id


async def learn(pool: Pool, keyring: Keyring) -> None:
    """Bring the keyring to what the table says, making the first key when there is none; replicas agree on one."""

    async def body(tx: Transaction) -> list[DataKey]:
        if newest_active(keys := await all_keys(tx)) is None:
            await tx.execute(_LOCK)
            if newest_active(keys := await all_keys(tx)) is None:
                await announce(tx, keyring, active=True)
                keys = await all_keys(tx)
        return keys

    keys = await in_transaction(pool, body, rows=SERVICE)
    current, known = newest_active(keys), keyring.known
    assert current is not None
    keyring.use_data_keys([_unwrapped(keyring, key) for key in keys if key.key_id not in known], current.key_id)


def _unwrapped(keyring: Keyring, key: DataKey) -> tuple[str, Suite, bytes]:
    try:
        return key.key_id, key.suite, keyring.unwrap(key.wrapped, wrapping_context(key.key_id, key.suite))
    except UnknownKeyError:
        raise KeyFileError(f"the key file lacks {key.kek_id!r}, which wraps data key {key.key_id!r}") from None
    except ValueError:
        raise KeyFileError(f"data key {key.key_id!r} does not open: {key.kek_id!r} in the key file is another key") from None


async def open_keyring(pool: Pool, key_file: Path, suite: Suite) -> Keyring:
    """The keyring of a service, ready to seal and open."""
    keyring = Keyring.load(key_file, suite)
    await learn(pool, keyring)
    return keyring


class KeyKeeper:
    """Keeps one process's keyring in step with the key file and the table, and says so in `key_reader`."""

    def __init__(self, pool: Pool, keyring: Keyring, *, refresh_s: float) -> None:
        self._pool = pool
        self._keyring = keyring
        self._refresh_s = refresh_s
        self._lapse_s = _INTERVALS_TO_LAPSE * refresh_s + _GRACE_S
        self._reader_id = uuid4()
        self._turn = asyncio.Lock()
        self._refreshed_at = 0.0

    async def start(self) -> None:
        """Be seen before looking: a rotation that began in between either finds this process or is found by it."""
        await in_transaction(self._pool, lambda tx: self._note(tx, knows=[], seals_with=""), rows=SERVICE)
        await self.refresh()

    async def refresh(self) -> None:
        """Take over what is new, then tell. Raises what the database or a broken key file raises."""
        async with self._turn:
            self._keyring.read_again()
            await learn(self._pool, self._keyring)
            knows = [*sorted(self._keyring.known), *(token_key(name) for name in self._keyring.token_keys)]
            seals_with = self._keyring.current.key_id.decode()
            await in_transaction(self._pool, lambda tx: self._note(tx, knows=knows, seals_with=seals_with), rows=SERVICE)
            self._refreshed_at = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Refresh until cancelled; an outage of the database, or a key file in the middle of a change, passes."""
        while True:
            await asyncio.sleep(self._refresh_s)
            try:
                await self.refresh()
            except (DomainError, KeyFileError) as error:
                logger.warning("keys not refreshed", extra={"fields": {"error": logs.describe(error)}})

    async def stop(self) -> None:
        """Be waited for no longer."""
        try:
            await in_transaction(self._pool, lambda tx: tx.execute(_LEAVE, reader_id=self._reader_id), rows=SERVICE)
        except DomainError as error:  # the row lapses by itself
            logger.warning("keys not signed off", extra={"fields": {"error": logs.describe(error)}})

    async def healthy(self) -> str | None:
        """What is wrong with the keys of this process, for readiness."""
        silent_s = asyncio.get_running_loop().time() - self._refreshed_at
        return None if silent_s < self._lapse_s else f"keys were not refreshed for {silent_s:.0f} s"

    async def _note(self, tx: Transaction, *, knows: list[str], seals_with: str) -> None:
        await tx.execute(
            _NOTE,
            reader_id=self._reader_id,
            knows=knows,
            seals_with=seals_with,
            kek_id=self._keyring.kek_id,
            lapse_s=self._lapse_s,
        )
