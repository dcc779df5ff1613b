"""What the command line does with events: `xinshimin events lag|dead|replay|reconcile|snapshot`, beside the running service."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.chassis.bus import Bus
from services.chassis.bus_errors import StreamMissingError
from services.chassis.db import Pool, prepare, without_transaction
from services.chassis.dispatch import MakeWork
from services.chassis.inbox import Inbox, ReplayReport
from services.chassis.reconciler import Reconciliation, reconcile
from services.chassis.rows import SERVICE
from services.chassis.snapshots import SnapshotReport, send_snapshot
from services.chassis.subscriptions import Subscriptions, producers_of

__all__ = [
    "DeadEvent",
    "InboxComparison",
    "InboxLag",
    "Lag",
    "OutboxLag",
    "Reconciliation",
    "ReplayReport",
    "SnapshotReport",
    "compare_inbox",
    "count_unpublished",
    "dead_events",
    "lag",
    "reconcile",
    "replay",
    "send_snapshot",
]

_OUTBOX = prepare(
    """
    SELECT count(*) AS unpublished, CAST(extract(epoch FROM now() - min(recorded_at)) AS float8) AS oldest_s
    FROM outbox WHERE published_position IS NULL
    """
)
_INBOX = prepare(
    """
    SELECT held.*, dead.*
    FROM (SELECT count(*) AS held, CAST(extract(epoch FROM now() - min(held_at)) AS float8) AS oldest_held_s
          FROM inbox_held WHERE producer = CAST(:producer AS text)) held,
         (SELECT count(*) AS dead FROM inbox_dead WHERE producer = CAST(:producer AS text)) dead
    """
)
_KEYS_PER_BATCH = 5000
_SEQUENCES = prepare(
    """
    SELECT partition_key, last_sequence FROM event_sequence
    WHERE partition_key > CAST(:after AS uuid) ORDER BY partition_key LIMIT CAST(:limit AS integer)
    """
)
_POSITIONS = prepare(
    """
    SELECT partition_key, sequence FROM inbox_position
    WHERE producer = CAST(:producer AS text) AND partition_key = ANY(CAST(:keys AS uuid[]))
    """
)
_DEAD = prepare(
    """
    SELECT producer, partition_key, sequence, event_id, event_type, tries, error, died_at FROM inbox_dead
    ORDER BY died_at, producer, partition_key, sequence LIMIT CAST(:limit AS integer)
    """
)


@dataclass(frozen=True, slots=True)
class OutboxLag:
    """What the service has not published yet, and the size of its stream; `None` where there is nothing."""

    unpublished: int
    oldest_s: float | None
    stream_messages: int | None
    stream_bytes: int | None
    stream_bytes_max: int | None


@dataclass(frozen=True, slots=True)
class InboxLag:
    """What one producer sent and the service has not applied; the first two are `None` before stream or durable exist."""

    producer: str
    pending: int | None
    unacknowledged: int | None
    held: int
    oldest_held_s: float | None
    dead: int


@dataclass(frozen=True, slots=True)
class Lag:
    """Where one service's events stand."""

    service: str
    outbox: OutboxLag
    inboxes: tuple[InboxLag, ...]


@dataclass(frozen=True, slots=True)
class InboxComparison:
    """Partition keys of which a follower has had less than the producer emitted, and more (the producer was restored)."""

    behind: int
    ahead: int


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """A dead event without its data; `error` names class, fields or constraint, never a value."""

    producer: str
    partition_key: UUID
    sequence: int
    event_id: UUID
    event_type: str
    tries: int
    error: str
    died_at: datetime


async def lag(pool: Pool, bus: Bus, *, service: str, subscriptions: Subscriptions) -> Lag:
    """Where the service's events stand now. Raises `BusError` when NATS does not answer."""
    async with without_transaction(pool, rows=SERVICE) as tx:
        row = await tx.fetch_row(_OUTBOX)
    assert row is not None
    stream = await bus.stream_state(service)
    outbox = OutboxLag(
        unpublished=row["unpublished"],
        oldest_s=row["oldest_s"],
        stream_messages=stream.messages if stream else None,
        stream_bytes=stream.bytes if stream else None,
        stream_bytes_max=stream.bytes_max if stream else None,
    )
    inboxes = [await _inbox_lag(pool, bus, service, producer) for producer in producers_of(subscriptions)]
    return Lag(service, outbox, tuple(inboxes))


async def count_unpublished(pool: Pool) -> int:
    """How many events the service has committed and not published yet."""
    async with without_transaction(pool, rows=SERVICE) as tx:
        row = await tx.fetch_row(_OUTBOX)
    assert row is not None
    unpublished: int = row["unpublished"]
    return unpublished


async def _inbox_lag(pool: Pool, bus: Bus, service: str, producer: str) -> InboxLag:
    async with without_transaction(pool, rows=SERVICE) as tx:
        row = await tx.fetch_row(_INBOX, producer=producer)
    assert row is not None
    try:
        backlog = await bus.backlog(producer, service)
    except StreamMissingError:
        backlog = None
    return InboxLag(
        producer=producer,
        pending=backlog.pending if backlog else None,
        unacknowledged=backlog.unacknowledged if backlog else None,
        held=row["held"],
        oldest_held_s=row["oldest_held_s"],
        dead=row["dead"],
    )


async def compare_inbox(producing: Pool, following: Pool, *, producer: str) -> InboxComparison:
    """Compare where a follower's inbox stands with where the producer's keys stand, events under way included."""
    after, behind, ahead = UUID(int=0), 0, 0
    async with without_transaction(producing, rows=SERVICE) as theirs, without_transaction(following, rows=SERVICE) as ours:
        while rows := await theirs.fetch(_SEQUENCES, after=after, limit=_KEYS_PER_BATCH):
            keys = [row["partition_key"] for row in rows]
            after = keys[-1]
            positions = await ours.fetch(_POSITIONS, producer=producer, keys=keys)
            reached = {row["partition_key"]: row["sequence"] for row in positions}
            behind += sum(reached.get(row["partition_key"], 0) < row["last_sequence"] for row in rows)
            ahead += sum(reached.get(row["partition_key"], 0) > row["last_sequence"] for row in rows)
    return InboxComparison(behind, ahead)


async def dead_events(pool: Pool, *, limit: int = 1000) -> list[DeadEvent]:
    """The service's dead events, oldest first."""
    async with without_transaction(pool, rows=SERVICE) as tx:
        return [DeadEvent(**row) for row in await tx.fetch(_DEAD, limit=limit)]


async def replay(
    pool: Pool,
    *,
    service: str,
    subscriptions: Subscriptions,
    make_work: MakeWork,
    producers: Iterable[str] | None = None,
    partition_key: UUID | None = None,
) -> dict[str, ReplayReport]:
    """Try dead events again, in order, through the service's own handlers; then apply what they held back.

    Limits to `producers` and to one `partition_key` when given; returns a report per producer. What handlers emit lies in the
    outbox for the running service's relay. Raises `DomainError` when the database gives way; doing it again does no harm.
    """
    reports: dict[str, ReplayReport] = {}
    for producer in producers_of(subscriptions) if producers is None else producers:
        inbox = Inbox(pool, service=service, producer=producer, subscriptions=subscriptions, make_work=make_work)
        reports[producer] = await inbox.replay(partition_key)
    return reports
