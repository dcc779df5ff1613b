"""What the gateway believes about its clients: rows read from the database and believed for a few seconds.

That bound is the promise behind `clients revoke`: every replica refuses a revoked client, or a token of a replaced credential,
within `client_cache_s` seconds, without asking the database on every request.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey

from gateway import store
from gateway.clients import ANY_PURPOSE
from gateway.keys import import_key
from services.chassis.db import Pool, in_transaction
from services.chassis.rows import SERVICE

_MOST_CLIENTS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class ClientRecord:
    """A client that may call now. `secrets` maps credential ids to SHA-256 digests, `keys` key ids (`kid`) to public keys.

    `credentials` are the ids a token may say it was obtained with: those of the secrets, and the keys' thumbprints (RFC 7638).
    """

    client_id: str
    organisation: str
    division_code: str
    scopes: frozenset[str]
    purposes: frozenset[str]
    sandbox: bool
    secrets: Mapping[str, bytes]
    keys: Mapping[str, ECKey]
    credentials: frozenset[str]

    def may_use_purpose(self, purpose: str) -> bool:
        """Whether the client was granted this purpose."""
        return purpose in self.purposes or ANY_PURPOSE in self.purposes


@dataclass(slots=True)
class _Entry:
    row: tuple[Any, ...]
    record: ClientRecord | None
    read_at: float


class ClientDirectory:
    """Clients by id. A row that did not change keeps its `ClientRecord`: what was derived from it stays valid by identity."""

    def __init__(self, pool: Pool, *, believed_s: float, sandbox: bool, acquire_timeout_s: float) -> None:
        self._pool = pool
        self._believed_s = believed_s
        self._sandbox = sandbox
        self._acquire_timeout_s = acquire_timeout_s
        self._entries: dict[str, _Entry] = {}
        self._reading: dict[str, asyncio.Task[ClientRecord | None]] = {}

    async def client(self, client_id: str) -> ClientRecord | None:
        """The client, at most `believed_s` seconds old; `None` when it was revoked or never existed.

        Raises `DomainError('database-unavailable')` or `('busy')`: who cannot be looked up is not let in.
        """
        entry = self._entries.get(client_id)
        if entry is not None and time.monotonic() - entry.read_at < self._believed_s:
            return entry.record
        return await self.fresh(client_id)

    async def fresh(self, client_id: str) -> ClientRecord | None:
        """The client as the database has it now; concurrent callers share one look."""
        task = self._reading.get(client_id)
        if task is None:
            task = asyncio.create_task(self._read(client_id))
            self._reading[client_id] = task
            task.add_done_callback(lambda done: self._read_ended(client_id, done))
        # Shielded, because a caller that gives up must not take the others' answer with it.
        return await asyncio.shield(task)

    def _read_ended(self, client_id: str, task: asyncio.Task[ClientRecord | None]) -> None:
        self._reading.pop(client_id, None)
        if not task.cancelled():
            task.exception()  # whoever still waits is told; nobody waiting is no error

    async def _read(self, client_id: str) -> ClientRecord | None:
        asked_at = time.monotonic()
        found = await in_transaction(
            self._pool, lambda tx: store.client(tx, client_id), rows=SERVICE, acquire_timeout=self._acquire_timeout_s
        )
        if found is None or (found["sandbox"] and not self._sandbox):
            self._entries.pop(client_id, None)
            return None
        row = tuple(found)
        entry = self._entries.get(client_id)
        record = entry.record if entry is not None and entry.row == row else _record(dict(found))
        if len(self._entries) >= _MOST_CLIENTS:
            self._entries.clear()
        self._entries[client_id] = _Entry(row, record, asked_at)
        return record


def _record(row: Mapping[str, Any]) -> ClientRecord:
    keys = [import_key(item["jwk"], private=False) for item in row["keys"] if item["jwk"]]
    return ClientRecord(
        client_id=row["client_id"],
        organisation=row["organisation"],
        division_code=row["division_code"],
        scopes=frozenset(row["scopes"]),
        purposes=frozenset(row["purposes"]),
        sandbox=row["sandbox"],
        secrets={item["key_id"]: bytes.fromhex(item["secret"]) for item in row["keys"] if item["secret"]},
        keys={str(key.kid): key for key in keys},
        credentials=frozenset([key.thumbprint() for key in keys] + [item["key_id"] for item in row["keys"] if item["secret"]]),
    )
