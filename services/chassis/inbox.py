"""The inbox of one producer: applies events in order and once, whatever the stream does (architecture §5).

A batch is one transaction: positions are checked set-based, handlers run, held successors follow, positions are written, commit.
When anything in it fails, it is repeated event by event, so that only the poison one fails: after three quick tries it goes to
`inbox_dead`, and later events of its key wait in `inbox_held` while other keys flow on.

Every transaction on an inbox first takes that inbox's transaction lock and then looks, in a new snapshot. So a leader that was
frozen, a successor and a replay from the command line cannot interleave – also on keys that have no position row to lock yet.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from services.chassis import inbox_statements as sql
from services.chassis.cloudevents import NIL_KEY, Arrived
from services.chassis.db import RETRIABLE, Pool, Record, Transaction, in_transaction
from services.chassis.errors import DomainError
from services.chassis.event_metrics import APPLIED, BURIED
from services.chassis.events import Envelope, EventData, Received
from services.chassis.sequencing import Sequencer
from services.chassis.snapshots import Snapshot, snapshot_type
from services.chassis.subscriptions import Subscription, Subscriptions, by_type
from services.chassis.work import Work

logger = logging.getLogger(__name__)

MakeWork = Callable[[Transaction, str | None], Work]
"""A unit of work of the service itself on this transaction, in the trace of this `traceparent`."""

TRIES = 3
_HELD_PER_TRANSACTION = 1000
_TRANSACTIONS_TRIED_MAX = 10_000  # bounds every loop here
_GROUND_CODES = ("busy", "database-unavailable")
_GROUND = (
    *RETRIABLE,
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)


class UnprocessableError(Exception):
    """`event` cannot be applied, and not because the ground gave way; `reason` holds no value of its data."""

    def __init__(self, event: Arrived, reason: str) -> None:
        super().__init__(reason)
        self.event = event
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Call:
    """One event on its way to one handler."""

    origin: Arrived
    subscription: Subscription
    received: Received[EventData]


@dataclass(slots=True)
class _Outcome:
    applied: list[Arrived]
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
        self._models = by_type(subscriptions, producer)
        self._make_work = make_work
        self._wake_relay = wake_relay
        self._snapshot_type = snapshot_type(producer, service)

    async def settle(self, events: Sequence[Arrived]) -> None:
        """Apply, hold or bury every one of `events`; when this returns, all of them may be acknowledged.

        Raises what the ground raised (`DomainError` of a lost or busy database); then nothing is certain and the same call may be
        made again.
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
        for _ in range(_TRANSACTIONS_TRIED_MAX):
            rows = await self._pool.fetch(sql.READY_KEYS.sql, *sql.READY_KEYS.arguments({"producer": self._producer}))
            if not rows:
                return
            for row in rows:
                await self._drain(row["partition_key"])

    async def replay(self, partition_key: UUID | None = None) -> ReplayReport:
        """Try dead events again in the order of their sequence, then what they held back; `None` means all keys."""
        arguments = {"producer": self._producer, "partition_key": partition_key, "snapshot_type": self._snapshot_type}
        applied = 0
        failed: list[UUID] = []
        for _ in range(_TRANSACTIONS_TRIED_MAX):
            row = await self._pool.fetchrow(sql.NEXT_DEAD.sql, *sql.NEXT_DEAD.arguments({**arguments, "failed": failed}))
            if row is None:
                break
            event = _arrived(row)
            key = event.envelope.partition_key
            if await self._try([event], {key}, held_max=0) is None:
                failed.append(key)
            else:
                applied += 1
                await self._drain(key)
        return ReplayReport(applied, await self._count_dead(partition_key))

    async def _count_dead(self, partition_key: UUID | None) -> int:
        arguments = sql.COUNT_DEAD.arguments({"producer": self._producer, "partition_key": partition_key})
        count: int = await self._pool.fetchval(sql.COUNT_DEAD.sql, *arguments)
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
        for _ in range(_TRANSACTIONS_TRIED_MAX):
            outcome = await self._try((), {key}, held_max=1)
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
        outcome = _Outcome([])

        async def body(tx: Transaction) -> None:
            await tx.execute(sql.LOCK, producer=self._producer)
            rows = await tx.fetch(sql.POSITIONS, producer=self._producer, keys=list(keys))
            sequencer = Sequencer({row["partition_key"]: row["sequence"] for row in rows}, self._snapshot_type)
            sequencer.take(events)
            outcome.more_held = await self._take_held(tx, sequencer, keys, held_max)
            outcome.applied = sequencer.applied
            outcome.emitted = await self._call_handlers(tx, sequencer.applied)
            await self._write_down(tx, sequencer)

        try:
            await in_transaction(self._pool, body)
        except asyncpg.IntegrityConstraintViolationError as error:
            # A deferred constraint speaks up at COMMIT only.
            raise UnprocessableError((outcome.applied or list(events))[0], reason_of(error)) from error
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

    async def _call_handlers(self, tx: Transaction, applied: Sequence[Arrived]) -> bool:
        """Validate and hand over; returns whether a handler emitted."""
        calls: list[_Call] = []
        for event in applied:
            with _blaming(event, tx):
                calls.extend(self._calls(event))
        if not all(call.subscription.in_bulk for call in calls):
            groups = [[call] for call in calls]
        else:
            by_event_type: dict[str, list[_Call]] = {}
            for call in calls:
                by_event_type.setdefault(call.received.data.event_type, []).append(call)
            groups = list(by_event_type.values())
        emitted = False
        for group in groups:
            with _blaming(group[0].origin, tx):
                emitted |= await self._call(tx, group)
        return emitted

    def _calls(self, event: Arrived) -> Iterator[_Call]:
        """An event as its handler's argument, a snapshot as those of its states; types nobody handles give nothing."""
        envelope = event.envelope
        if envelope.type != self._snapshot_type:
            states = [(envelope.type, event.body)]
        else:
            states = Snapshot.model_validate_json(event.body).texts()
        for event_type, text in states:
            if known := self._models.get(event_type):
                model, subscription = known
                yield _Call(event, subscription, Received(envelope, model.model_validate_json(text)))

    async def _call(self, tx: Transaction, group: Sequence[_Call]) -> bool:
        traces = {call.received.envelope.traceparent for call in group}
        work = self._make_work(tx, traces.pop() if len(traces) == 1 else None)
        subscription = group[0].subscription
        received = [call.received for call in group]
        await subscription.handler(work, received if subscription.in_bulk else received[0])
        emitted = work.has_events
        await work.flush()
        return emitted

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
        """Set the event aside; its key waits, others flow on. An event without a place in any order gets one under `NIL_KEY`."""

        async def body(tx: Transaction) -> None:
            await tx.execute(sql.LOCK, producer=self._producer)
            await tx.execute(
                sql.BURY, producer=self._producer, tries=tries, reason=reason, nil_key=NIL_KEY, **sql.values_of(event)
            )

        await in_transaction(self._pool, body)
        BURIED.labels(self._service, self._producer).inc()
        logger.error("event is dead", extra={"fields": {**_naming(event, self._producer), "reason": reason}})


@contextmanager
def _blaming(event: Arrived, tx: Transaction) -> Iterator[None]:
    """Whatever fails inside is the event's fault, unless the ground failed: that may never make an event poison."""
    try:
        yield
    except _GROUND:
        raise
    except Exception as error:
        if tx.connection.is_closed() or (isinstance(error, DomainError) and error.code in _GROUND_CODES):
            raise
        raise UnprocessableError(event, reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """Why, without any value of the data: class, and where there is one the fields, the code or the constraint."""
    name = type(error).__name__
    if isinstance(error, ValidationError):
        details = error.errors(include_url=False, include_context=False, include_input=False)
        places = (f"/{'/'.join(str(part) for part in detail['loc'])} {detail['type']}" for detail in details[:20])
        return f"{name}: {', '.join(places)}"
    if isinstance(error, DomainError):
        return f"{name}: {error.code}"
    if constraint := getattr(error, "constraint_name", None):
        return f"{name}: {constraint}"
    return name


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
