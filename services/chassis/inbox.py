"""The inbox of one producer: applies events in order and once, whatever the stream does (architecture §5).

A batch is one transaction: positions are checked set-based, handlers run, held successors follow, positions are written. When
anything in it fails, it is repeated event by event, so that only the poison one fails: after three quick tries it goes to
`inbox_dead`, and later events of its key wait in `inbox_held` while other keys flow on.

Every transaction on an inbox first takes that inbox's transaction lock and then looks, in a new snapshot. So a leader that was
frozen, a successor and a replay from the command line cannot interleave – also on keys that have no position row to lock yet.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from services.chassis import inbox_statements as sql
from services.chassis.cloudevents import NIL_KEY, Arrived
from services.chassis.crash_points import crash_point
from services.chassis.db import Pool, Record, Transaction, in_transaction, without_transaction
from services.chassis.dispatch import Dispatcher, MakeWork, UnprocessableError, reason_of
from services.chassis.event_metrics import APPLIED, BURIED
from services.chassis.events import Envelope
from services.chassis.rows import SERVICE
from services.chassis.sequencing import Sequencer
from services.chassis.snapshots import snapshot_type
from services.chassis.subscriptions import Subscriptions, by_type

logger = logging.getLogger(__name__)

TRIES = 3
_HELD_PER_TRANSACTION = 1000
_TRANSACTIONS_MAX = 10_000  # bounds every loop here
# A handler's fault that shows only after it returned: a deferred constraint at COMMIT, a database error it swallowed.
_LATE_FAULTS = (asyncpg.IntegrityConstraintViolationError, asyncpg.InFailedSQLTransactionError)


@dataclass(slots=True)
class _Outcome:
    applied: list[Arrived] = field(default_factory=list)
    emitted: bool = False
    more_held: bool = False


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay did: dead events applied now, and those that are still dead."""

    applied: int
    still_dead: int


class Inbox:
    """One service's inbox for one producer."""

    def __init__(
        self,
        pool: Pool,
        *,
        service: str,
        producer: str,
        subscriptions: Subscriptions,
        make_work: MakeWork,
        wake_relay: Callable[[], None] = lambda: None,
    ) -> None:
        """`wake_relay` is called after a commit in which a handler emitted."""
        self._pool = pool
        self._service = service
        self._producer = producer
        self._wake_relay = wake_relay
        self._snapshot_type = snapshot_type(producer, service)
        self._dispatcher = Dispatcher(by_type(subscriptions, producer), self._snapshot_type, make_work)

    async def settle(self, events: Sequence[Arrived]) -> None:
        """Apply, hold or bury every one of `events`; when this returns, all of them may be acknowledged.

        Raises what the ground raised (`DomainError` of a lost or busy database); then nothing is certain, and the same call may
        be made again.
        """
        for event in events:
            if event.fault is not None:
                await self._bury(event, event.fault, tries=1)
        readable = [event for event in events if event.fault is None]
        if not readable:
            return
        try:
            await self._apply_together(readable)
        except UnprocessableError as error:
            logger.warning("batch repeated event by event", extra={"fields": _naming(error.event, self._producer)})
            for event in readable:
                await self._apply_alone(event)

    async def drain_ready(self) -> None:
        """Apply held events whose gap is closed; a crash between two transactions can leave some."""
        for _ in range(_TRANSACTIONS_MAX):
            async with without_transaction(self._pool, rows=SERVICE) as tx:
                rows = await tx.fetch(sql.READY_KEYS, producer=self._producer)
            if not rows:
                return
            for row in rows:
                await self._drain(row["partition_key"])

    async def replay(self, partition_key: UUID | None = None) -> ReplayReport:
        """Try dead events again in the order of their sequence, then what they held back; `None` means all keys.

        What a replay that died had set free and not applied comes first: nothing dead leads to it any more.
        """
        await self.drain_ready()
        applied = 0
        failed: list[UUID] = []
        for _ in range(_TRANSACTIONS_MAX):
            row = await self._next_dead(partition_key, failed)
            if row is None:
                break
            event = _arrived(row)
            key = event.envelope.partition_key
            if await self._try([event], {key}, held_max=0) is None:
                failed.append(key)
            else:
                applied += 1
                crash_point("replay.applied")
                await self._drain(key)
        return ReplayReport(applied, await self._count_dead(partition_key))

    async def count_waiting(self) -> tuple[int, int]:
        """How many events are held and dead."""
        async with without_transaction(self._pool, rows=SERVICE) as tx:
            row = await tx.fetch_row(sql.COUNT_WAITING, producer=self._producer)
        assert row is not None
        return row["held"], row["dead"]

    async def longest_held(self, held_s: float) -> tuple[UUID, int] | None:
        """Key and sequence of the event that has waited longest, over `held_s` seconds, for a gap to close; dead keys apart."""
        async with without_transaction(self._pool, rows=SERVICE) as tx:
            row = await tx.fetch_row(sql.LONGEST_HELD, producer=self._producer, held_s=held_s)
        return (row["partition_key"], row["sequence"]) if row else None

    async def _next_dead(self, partition_key: UUID | None, failed: Sequence[UUID]) -> Record | None:
        async with without_transaction(self._pool, rows=SERVICE) as tx:
            return await tx.fetch_row(
                sql.NEXT_DEAD,
                producer=self._producer,
                partition_key=partition_key,
                snapshot_type=self._snapshot_type,
                failed=failed,
            )

    async def _count_dead(self, partition_key: UUID | None) -> int:
        async with without_transaction(self._pool, rows=SERVICE) as tx:
            count: int = await tx.fetch_value(sql.COUNT_DEAD, producer=self._producer, partition_key=partition_key)
        return count

    async def _apply_together(self, events: Sequence[Arrived]) -> None:
        keys = {event.envelope.partition_key for event in events}
        outcome = await self._transact(events, keys, held_max=_HELD_PER_TRANSACTION)
        while outcome.more_held:
            outcome = await self._transact((), keys, held_max=_HELD_PER_TRANSACTION)

    async def _apply_alone(self, event: Arrived) -> None:
        key = event.envelope.partition_key
        outcome = await self._try([event], {key}, held_max=0)
        if outcome is not None and outcome.more_held:
            await self._drain(key)

    async def _drain(self, key: UUID) -> None:
        """Apply held successors of `key`, a transaction each, up to the next gap or poison event."""
        for _ in range(_TRANSACTIONS_MAX):
            outcome = await self._try((), {key}, held_max=1)
            crash_point("inbox.released")
            if outcome is None or not outcome.more_held:
                return

    async def _try(self, events: Sequence[Arrived], keys: Collection[UUID], *, held_max: int) -> _Outcome | None:
        """A transaction about one event, given three tries; `None` when the event had to be buried."""
        for attempt in range(1, TRIES + 1):
            try:
                return await self._transact(events, keys, held_max=held_max)
            except UnprocessableError as error:
                if attempt == TRIES:
                    await self._bury(error.event, error.reason, tries=TRIES)
        return None

    async def _transact(self, events: Sequence[Arrived], keys: Collection[UUID], *, held_max: int) -> _Outcome:
        """One transaction: order `events` and up to `held_max` held ones, call handlers, write down where each key stands."""
        outcome = _Outcome()

        async def body(tx: Transaction) -> None:
            await tx.execute(sql.LOCK, producer=self._producer)
            rows = await tx.fetch(sql.POSITIONS, producer=self._producer, keys=list(keys))
            sequencer = Sequencer({row["partition_key"]: row["sequence"] for row in rows}, self._snapshot_type)
            sequencer.take(events)
            outcome.more_held = await self._take_held(tx, sequencer, keys, held_max)
            outcome.applied = sequencer.applied
            outcome.emitted = await self._dispatcher.deliver(tx, sequencer.applied)
            crash_point("consumer.handled")
            await self._write_down(tx, sequencer)
            crash_point("consumer.positioned")

        try:
            await in_transaction(self._pool, body, rows=SERVICE)
        except _LATE_FAULTS as error:
            if not outcome.applied:
                raise
            raise UnprocessableError(outcome.applied[0], reason_of(error)) from error
        if outcome.emitted:
            self._wake_relay()
        APPLIED.labels(self._service, self._producer).inc(len(outcome.applied))
        return outcome

    async def _take_held(self, tx: Transaction, sequencer: Sequencer, keys: Collection[UUID], held_max: int) -> bool:
        """Let held events follow that have come next; returns whether more of them wait than `held_max` allows."""
        ordered = list(keys)
        while True:
            rows = await tx.fetch(
                sql.NEXT_HELD,
                producer=self._producer,
                keys=ordered,
                positions=[sequencer.position(key) for key in ordered],
                limit=held_max + 1,
            )
            sequencer.take(_arrived(row) for row in rows[:held_max])
            if len(rows) > held_max or not rows:
                return len(rows) > held_max
            held_max -= len(rows)

    async def _write_down(self, tx: Transaction, sequencer: Sequencer) -> None:
        moved, waiting = sequencer.moved, sequencer.waiting
        if moved or waiting:
            await tx.execute(
                sql.WRITE_DOWN,
                producer=self._producer,
                moved_keys=list(moved),
                moved_sequences=list(moved.values()),
                **sql.columns_of(waiting),
            )

    async def _bury(self, event: Arrived, reason: str, *, tries: int) -> None:
        """Set the event aside; its key waits, others flow on. One without a place in any order gets one under `NIL_KEY`."""

        async def body(tx: Transaction) -> None:
            await tx.execute(sql.LOCK, producer=self._producer)
            await tx.execute(
                sql.BURY, producer=self._producer, tries=tries, reason=reason, nil_key=NIL_KEY, **sql.values_of(event)
            )

        await in_transaction(self._pool, body, rows=SERVICE)
        crash_point("inbox.buried")
        BURIED.labels(self._service, self._producer).inc()
        logger.error("event is dead", extra={"fields": {**_naming(event, self._producer), "reason": reason}})


def _arrived(row: Record) -> Arrived:
    envelope = Envelope(
        id=row["event_id"],
        type=row["event_type"],
        source=row["source"],
        time=row["event_time"],
        partition_key=row["partition_key"],
        sequence=row["sequence"],
        traceparent=row["traceparent"],
    )
    return Arrived(envelope, row["data"])


def _naming(event: Arrived, producer: str) -> dict[str, Any]:
    envelope = event.envelope
    return {
        "producer": producer,
        "event_id": str(envelope.id),
        "event_type": envelope.type,
        "partition_key": str(envelope.partition_key),
        "sequence": envelope.sequence,
    }
