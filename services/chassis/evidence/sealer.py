"""The sealer: gives every committed audit line a position, a link of the chain, and a signed checkpoint above it.

Writers are not slowed: nothing is locked, and a line is found by the transaction that wrote it. Lines are taken in the order of
those transactions' numbers, but numbers do not tell the order of commits; so a line is missed by no "last number seen". What
counts as done is only what was written by transactions that had all ended (`sealed` below, PostgreSQL's own snapshot horizon);
above it, whatever has no seal yet gets one. A line committed late by a long transaction simply gets a later position.

A batch is one transaction: its seals and its checkpoint, or nothing. Its primary keys make a second sealer fail.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

import asyncpg

from services.chassis.bus import Bus
from services.chassis.clock import utc_now
from services.chassis.crash_points import crash_point
from services.chassis.db import Record, prepare
from services.chassis.evidence.checkpoint import Checkpoint, CheckpointError, SigningKeys, hash_of
from services.chassis.evidence.copies import Copier, Folder, Place, Stream
from services.chassis.evidence.entries import chain_link, chain_start, leaf
from services.chassis.evidence.merkle import Tree
from services.chassis.evidence.metrics import SEALED
from services.chassis.leadership import STANDBY, Leader, OwnConnection, lead_forever
from services.chassis.settings import EvidenceSettings

logger = logging.getLogger(__name__)

BATCH_LINES_MAX = 1000
_PRUNE_EVERY_S = 3600.0
_PRUNE_CHECKPOINTS = 50
_NO_ID = UUID(int=0)
_NOTHING = (0, _NO_ID)

# The seal of each line is looked up by itself (a scalar subquery never becomes a join over the whole table): the lines above
# the horizon are few, the seals are all there ever were.
_UNSEALED = prepare(
    """
    SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS horizon, s.epoch, l.*
    FROM relay_state s LEFT JOIN LATERAL (
        SELECT CAST(CAST(xid AS text) AS bigint) AS xid, audit_id, recorded_at, digest FROM audit_line
        WHERE (xid, audit_id) > (CAST(CAST(CAST(:sealed_xid AS bigint) AS text) AS xid8), CAST(:sealed_audit_id AS uuid))
          AND (SELECT position FROM audit_seal WHERE audit_seal.audit_id = audit_line.audit_id) IS NULL
        ORDER BY audit_line.xid, audit_id LIMIT CAST(:limit AS integer)
    ) l ON true
    ORDER BY l.xid, l.audit_id
    """
)
_INSERT_SEALS = prepare(
    """
    INSERT INTO audit_seal (position, audit_id, chain_hash)
    SELECT CAST(:sealed_before AS bigint) + place, audit_id, chain_hash
    FROM unnest(CAST(:audit_ids AS uuid[]), CAST(:chain_hashes AS bytea[])) WITH ORDINALITY AS u (audit_id, chain_hash, place)
    """
)
_INSERT_CHECKPOINT = prepare(
    """
    INSERT INTO audit_checkpoint (tree_size, epoch, signed_at, signed, subtrees, sealed_xid, sealed_audit_id)
    VALUES (:tree_size, :epoch, :signed_at, :signed, :subtrees,
            CAST(CAST(CAST(:sealed_xid AS bigint) AS text) AS xid8), :sealed_audit_id)
    """
)
# A plan made while the tables are small would read all seals for every line, and PostgreSQL keeps it while they grow.
_BY_INDEX = "SET enable_seqscan = off"
_TAIL = prepare(
    """
    SELECT tree_size, signed, subtrees, CAST(CAST(sealed_xid AS text) AS bigint) AS sealed_xid, sealed_audit_id,
           CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS next_xid,
           (SELECT max(position) FROM audit_seal) AS last_position
    FROM (VALUES (1)) one (one) LEFT JOIN audit_checkpoint ON true
    ORDER BY tree_size DESC LIMIT 1
    """
)
_PRUNE = prepare("SELECT prune_audit(CAST(:days_kept AS integer), CAST(:checkpoints_max AS integer))")


class TailError(Exception):
    """The end of the log is not what was signed; nothing is sealed upon it until somebody has looked."""


@dataclass(frozen=True, slots=True)
class _Tail:
    """Where the log ends, and the pair up to which every line has its seal."""

    tree: Tree
    chain: bytes
    checkpoint: bytes | None
    sealed: tuple[int, UUID]


class Sealer:
    """Seals one service's audit lines. Every replica has one; the leader works, the others stand by."""

    def __init__(
        self,
        dsn: str,
        *,
        service: str,
        keys: SigningKeys,
        copier: Copier,
        every_s: float = 5.0,
        days_kept: int = 1096,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Lines are sealed `every_s` seconds; `days_kept` is their retention."""
        self._dsn = dsn
        self._service = service
        self._keys = keys
        self._copier = copier
        self._every_s = every_s
        self._days_kept = days_kept
        self._now = now
        self._state = "starting"
        self._prune_at = 0.0

    @classmethod
    def of(cls, process: str, settings: EvidenceSettings, bus: Bus) -> Self:
        """That of a process, with both places outside. Raises `KeyFileError`."""
        keys = SigningKeys.load(process, settings.audit_key_file)
        places: list[Place] = [Folder(settings.audit_copy_dir, process), Stream(bus.archive(process))]
        return cls(
            settings.database_url.get_secret_value(),
            service=process,
            keys=keys,
            copier=Copier(keys.public, places),
            every_s=settings.audit_seal_s,
            days_kept=settings.audit_retention_days,
        )

    async def run(self) -> None:
        """Lead or stand by until cancelled."""
        await lead_forever(
            self._dsn, "audit sealer", application=f"{self._service}:audit", lead=self._lead, on_change=self._note_state
        )

    async def healthy(self) -> str | None:
        """`None` while this sealer works or stands by for another that leads, otherwise its last failure."""
        return None if self._state in ("leading", STANDBY, "starting") else self._state

    def _note_state(self, state: str) -> None:
        self._state = state

    async def _lead(self, leader: Leader) -> None:
        await leader.connection.execute(_BY_INDEX)
        tail = await self._load_tail(leader.connection)
        while True:
            tail = await self._seal_all(leader, tail)
            await self._copier.copy(leader.connection)
            self._state = "leading"
            await self._prune(leader.connection)
            await asyncio.sleep(self._every_s)

    async def _seal_all(self, leader: Leader, tail: _Tail) -> _Tail:
        while True:
            await leader.check()
            tail, sealed = await self._seal_batch(leader.connection, tail)
            if sealed < BATCH_LINES_MAX:
                return tail

    async def _seal_batch(self, connection: OwnConnection, tail: _Tail) -> tuple[_Tail, int]:
        """Seal up to `BATCH_LINES_MAX` lines; returns the new end of the log and how many they were."""
        sealed_xid, sealed_audit_id = tail.sealed
        wanted = {"sealed_xid": sealed_xid, "sealed_audit_id": sealed_audit_id, "limit": BATCH_LINES_MAX}
        async with connection.transaction():
            rows = await connection.fetch(_UNSEALED.sql, *_UNSEALED.arguments(wanted))
            horizon, epoch = rows[0]["horizon"], rows[0]["epoch"]
            lines = [row for row in rows if row["audit_id"] is not None]
            sealed = _sealed_up_to(tail.sealed, lines, horizon)
            if not lines:
                return _Tail(tail.tree, tail.chain, tail.checkpoint, sealed), 0
            grown, links = _grow(tail, lines)
            checkpoint = Checkpoint(
                service=self._service,
                epoch=epoch,
                size=grown.size,
                root=grown.root(),
                chain=links[-1],
                previous=tail.checkpoint,
                signed_at=self._now(),
            )
            signed = self._keys.sign(checkpoint)
            await _insert(connection, tail.tree.size, [line["audit_id"] for line in lines], links)
            await _insert_checkpoint(connection, checkpoint, signed, grown, sealed)
            crash_point("sealer.sealed")
        crash_point("sealer.committed")
        SEALED.labels(self._service).inc(len(lines))
        return _Tail(grown, links[-1], hash_of(signed), sealed), len(lines)

    async def _load_tail(self, connection: OwnConnection) -> _Tail:
        row = await connection.fetchrow(_TAIL.sql)
        assert row is not None
        if row["signed"] is None:
            if row["last_position"] is not None:
                raise TailError("seals without a checkpoint")
            return _Tail(Tree(), chain_start(self._service), None, _NOTHING)
        try:
            checkpoint = self._keys.public.open(row["signed"])
            tree = Tree.unpacked(row["tree_size"], row["subtrees"])
        except (CheckpointError, ValueError) as error:
            raise TailError("the newest checkpoint is not ours") from error
        last = row["last_position"] if row["last_position"] is not None else checkpoint.size
        if not checkpoint.size == tree.size == last or tree.root() != checkpoint.root:
            raise TailError("the newest checkpoint is not about this log")
        sealed = (row["sealed_xid"], row["sealed_audit_id"])
        if sealed[0] > row["next_xid"]:  # another cluster's numbers, after a logical restore: look through all lines once
            sealed = _NOTHING
        return _Tail(tree, checkpoint.chain, hash_of(row["signed"]), sealed)

    async def _prune(self, connection: OwnConnection) -> None:
        """Lines past their retention, a bounded number every time; a failure must not stop the sealing."""
        now = asyncio.get_running_loop().time()
        if now < self._prune_at:
            return
        arguments = {"days_kept": self._days_kept, "checkpoints_max": _PRUNE_CHECKPOINTS}
        try:
            pruned = await connection.fetchval(_PRUNE.sql, *_PRUNE.arguments(arguments))
        except asyncpg.PostgresError as error:
            logger.exception("audit lines past their retention were not removed", exc_info=error)
            pruned = 0
        self._prune_at = now if pruned else now + _PRUNE_EVERY_S


def _sealed_up_to(before: tuple[int, UUID], lines: Sequence[Record], horizon: int) -> tuple[int, UUID]:
    """Up to where every line that will ever be has its seal, once `lines` have theirs.

    All transactions below `horizon` have ended. Fewer lines than asked for: there are no others. A full batch: others may
    follow its last line.
    """
    ended = (horizon, _NO_ID)
    if len(lines) == BATCH_LINES_MAX:
        ended = min(ended, (lines[-1]["xid"], lines[-1]["audit_id"]))
    return max(before, ended)


def _grow(tail: _Tail, lines: Sequence[Record]) -> tuple[Tree, list[bytes]]:
    tree, link = tail.tree.copy(), tail.chain
    links = []
    for line in lines:
        leaf_of_line = leaf(line["audit_id"], line["recorded_at"], line["digest"])
        tree.append(leaf_of_line)
        link = chain_link(link, leaf_of_line)
        links.append(link)
    return tree, links


async def _insert(connection: OwnConnection, sealed_before: int, audit_ids: list[UUID], links: list[bytes]) -> None:
    arguments = {"sealed_before": sealed_before, "audit_ids": audit_ids, "chain_hashes": links}
    await connection.execute(_INSERT_SEALS.sql, *_INSERT_SEALS.arguments(arguments))


async def _insert_checkpoint(
    connection: OwnConnection, checkpoint: Checkpoint, signed: str, tree: Tree, sealed: tuple[int, UUID]
) -> None:
    arguments = {
        "tree_size": checkpoint.size,
        "epoch": checkpoint.epoch,
        "signed_at": checkpoint.signed_at,
        "signed": signed,
        "subtrees": tree.packed(),
        "sealed_xid": sealed[0],
        "sealed_audit_id": sealed[1],
    }
    await connection.execute(_INSERT_CHECKPOINT.sql, *_INSERT_CHECKPOINT.arguments(arguments))
