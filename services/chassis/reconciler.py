"""The reconciler: is everything the outbox says it published still in the stream? What is not is published again.

NATS carries events and does not keep the record (reliability.md 7, 13): a power cut, a flipped bit or an operator's purge can
take messages it had acknowledged, without a word. Every five minutes the counts per event type are compared; after each new
connection to the broker, when it may have been restarted, and on an operator's command every single event is. Consumers drop
what they have had and hold what comes before its time, so publishing again is always safe.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from services.chassis.bus import STREAM_MAX_AGE_S, Bus, Outgoing
from services.chassis.cloudevents import source_of
from services.chassis.crash_points import crash_point
from services.chassis.db import Transaction, prepare
from services.chassis.event_metrics import RECONCILED_AT, REPUBLISHED
from services.chassis.ids import new_id
from services.chassis.leadership import Leader, lead_forever
from services.chassis.outbox import message_of
from services.chassis.snapshots import is_snapshot

logger = logging.getLogger(__name__)

_EVERY_S = 300.0
# Messages about to expire are none of ours: the stream may drop them between two looks.
_WINDOW_S = STREAM_MAX_AGE_S - 3600
_BATCH = 1000
# Memory is bounded: so many rows not found so far are kept, then the oldest are taken for lost; so many messages whose rows
# were not read yet, and then the rest is published again unseen. Both are far from what a sound stream needs.
_UNMATCHED_MAX = 5000
_EARLY_MAX = 200_000
# Of the event loop's time, requests get at least so many parts and the reading one.
_REST = 4

_EPOCH = prepare("SELECT epoch FROM relay_state")
_SPAN = prepare(
    """
    SELECT (SELECT last_position FROM relay_state) AS last,
           coalesce((
               SELECT published_position FROM outbox
               WHERE published_at > now() - make_interval(secs => CAST(:window_s AS double precision))
                 AND recorded_on >= (now() - make_interval(secs => CAST(:window_s AS double precision)))::date - 1
               ORDER BY published_position LIMIT 1
           ), (SELECT last_position + 1 FROM relay_state)) AS first
    """
)
_COUNTS = prepare(
    """
    SELECT event_type, count(*) AS events FROM outbox
    WHERE published_position BETWEEN CAST(:first AS bigint) AND CAST(:last AS bigint) GROUP BY event_type
    """
)
_PUBLISHED = prepare(
    """
    SELECT published_position, event_id, event_type, recorded_at, partition_key, sequence, traceparent, data FROM outbox
    WHERE published_position BETWEEN CAST(:first AS bigint) AND CAST(:last AS bigint)
    ORDER BY published_position LIMIT CAST(:limit AS integer)
    """
)
_AT_POSITIONS = prepare(
    """
    SELECT published_position, event_id, event_type, recorded_at, partition_key, sequence, traceparent, data FROM outbox
    WHERE published_position = ANY(CAST(:positions AS bigint[])) ORDER BY published_position
    """
)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was looked at: `published` events that the stream must have, and how many were `republished`."""

    published: int
    republished: int


class Reconciler:
    """Reconciles one service's stream for as long as the process lives. Every replica has one; the leader works."""

    def __init__(self, dsn: str, bus: Bus, *, service: str, every_s: float = _EVERY_S) -> None:
        self._dsn = dsn
        self._bus = bus
        self._service = service
        self._every_s = every_s

    async def run(self) -> None:
        """Lead or stand by until cancelled."""
        await lead_forever(
            self._dsn,
            "reconciler",
            application=f"{self._service}:reconciler",
            lead=self._lead,
            on_change=lambda _: None,
        )

    async def _lead(self, leader: Leader) -> None:
        thorough = True
        while True:
            await leader.check()
            await reconcile(Transaction(leader.connection), self._bus, service=self._service, thorough=thorough)
            thorough = await self._bus.reconnected(within_s=self._every_s)


async def reconcile(tx: Transaction, bus: Bus, *, service: str, thorough: bool) -> Reconciliation:
    """Publish again what the outbox published in the last fortnight and the stream has lost.

    `tx` is the service's own, and not inside a transaction. Not `thorough`, it is content when the stream has as many messages
    of each type as it should. Raises `BusError`.
    """
    await bus.ensure_stream(service)
    span = await tx.fetch_row(_SPAN, window_s=float(_WINDOW_S))
    assert span is not None
    comparison = _Comparison(tx, bus, service, span["first"], span["last"])
    republished = 0
    if thorough or not await comparison.counts_agree():
        republished = await comparison.republish_lost()
    RECONCILED_AT.labels(service).set(time.time())
    REPUBLISHED.labels(service).inc(republished)
    if republished:
        fields = {"stream": service, "published": comparison.published, "republished": republished}
        logger.error("the stream had lost events", extra={"fields": fields})
    return Reconciliation(comparison.published, republished)


class _Comparison:
    """Outbox against stream, over the publication positions from `first` to `last`."""

    def __init__(self, tx: Transaction, bus: Bus, service: str, first: int, last: int) -> None:
        self._tx = tx
        self._bus = bus
        self._service = service
        self._next = first
        self._last = last
        self._unmatched: dict[UUID, int] = {}
        self._early: set[UUID] = set()
        self._messages = 0
        self._rows = 0
        self._republished = 0
        self.published = max(last - first + 1, 0)

    async def counts_agree(self) -> bool:
        """Whether the stream has enough messages of each type. It may have more: snapshots, repetitions, older ones."""
        rows = await self._tx.fetch(_COUNTS, first=self._next, last=self._last)
        stored: Mapping[str, int] = await self._bus.subject_counts(self._service)
        return all(stored.get(row["event_type"], 0) >= row["events"] for row in rows)

    async def republish_lost(self) -> int:
        """Walk through both at once, then publish what only the outbox has; returns how many."""
        began = time.monotonic()
        async for events in self._bus.event_ids(self._service):
            for subject, event_id in events:
                if self._unmatched.pop(event_id, None) is None and not is_snapshot(self._service, subject):
                    self._early.add(event_id)
            self._messages += len(events)
            while self._rows < self._messages and self._next <= self._last:
                await self._read_rows()
            if len(self._unmatched) >= _UNMATCHED_MAX:
                await self._republish_oldest()
            if len(self._early) >= _EARLY_MAX:
                self._early.clear()
                break
            await asyncio.sleep(_REST * (time.monotonic() - began))
            began = time.monotonic()
        while self._next <= self._last or self._unmatched:
            await self._read_rows()
            await self._republish_oldest()
        return self._republished

    async def _read_rows(self) -> None:
        """Read on in the outbox, in step with the stream: their orders differ only around events that were published again."""
        rows = await self._tx.fetch(_PUBLISHED, first=self._next, last=self._last, limit=_BATCH)
        self._next = rows[-1]["published_position"] + 1 if rows else self._last + 1
        self._rows += len(rows)
        for row in rows:
            if row["event_id"] in self._early:
                self._early.discard(row["event_id"])
            else:
                self._unmatched[row["event_id"]] = row["published_position"]

    async def _republish_oldest(self) -> None:
        positions = sorted(self._unmatched.values())[:_BATCH]
        if not positions:
            return
        rows = await self._tx.fetch(_AT_POSITIONS, positions=positions)
        source = source_of(self._service, await self._tx.fetch_value(_EPOCH))
        await self._bus.publish([_again(message_of(row, source)) for row in rows])
        crash_point("reconciler.sent")
        self._republished += len(rows)
        self._unmatched = {event_id: at for event_id, at in self._unmatched.items() if at > positions[-1]}


def _again(message: Outgoing) -> Outgoing:
    """The same event in a message of its own: for ten minutes the stream would drop one it lost as one it has."""
    message_id = message.headers["Nats-Msg-Id"]
    return Outgoing(message.subject, message.headers | {"Nats-Msg-Id": f"{message_id}#{new_id()}"}, message.body)
