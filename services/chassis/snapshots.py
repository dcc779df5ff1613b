"""Snapshots: the present state of all a producer's aggregates, so that a new or restored service fills its mirrors.

`xinshimin events snapshot --for CONSUMER` reads everything in one REPEATABLE READ transaction and publishes, per partition key,
the states and the sequence they stand at. The consumer applies the states through its ordinary handlers, sets its position to
that sequence and goes on with the stream. Other consumers of the stream pass it over.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from services.chassis.bus import Bus, Outgoing
from services.chassis.clock import utc_now
from services.chassis.cloudevents import headers_of, source_of
from services.chassis.crash_points import crash_point
from services.chassis.db import Pool, Transaction, prepare
from services.chassis.events import Envelope, EventData
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.rows import SERVICE

SnapshotOf = Callable[[Transaction, Keyring], AsyncIterator[tuple[UUID, Sequence[EventData]]]]
"""What a producer offers: every partition key with events that carry its present state."""

_KEYS_PER_BATCH = 500
_SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")

_EPOCH = prepare("SELECT epoch FROM relay_state")
_SEQUENCES = prepare("SELECT partition_key, last_sequence FROM event_sequence WHERE partition_key = ANY(CAST(:keys AS uuid[]))")
_KEYS_AFTER = prepare(
    """
    SELECT partition_key, last_sequence FROM event_sequence
    WHERE partition_key > CAST(:after AS uuid) ORDER BY partition_key LIMIT CAST(:limit AS integer)
    """
)


class SnapshotState(BaseModel):
    """One event type with the data its handler takes."""

    model_config = ConfigDict(frozen=True)

    type: str
    data: Any


class Snapshot(BaseModel):
    """The body of a snapshot message."""

    model_config = ConfigDict(frozen=True)

    partition_key: UUID
    sequence: int
    states: tuple[SnapshotState, ...]

    def texts(self) -> list[tuple[str, str]]:
        """Type and JSON text of each state, so that it is read exactly as the event itself would be."""
        return [(state.type, to_json(state.data).decode()) for state in self.states]


def snapshot_type(producer: str, consumer: str) -> str:
    """Event type and subject of the snapshots `producer` sends to `consumer`."""
    return f"{producer}.snapshot.{consumer}.v1"


def is_snapshot(producer: str, subject: str) -> bool:
    """Whether `subject` is a snapshot for whomever."""
    return subject.startswith(f"{producer}.snapshot.")


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """What was sent: partition keys, and states in them."""

    keys: int
    states: int


async def send_snapshot(
    pool: Pool, bus: Bus, *, service: str, consumer: str, snapshot: SnapshotOf, keyring: Keyring
) -> SnapshotReport:
    """Send `consumer` the present state of everything `service` owns.

    A key whose aggregates are gone is sent without states, or its next event would wait for ever. Raises `ValueError` for a
    name that is none, `BusError` when the stream does not take it; sending again does no harm.
    """
    if not _SERVICE_NAME.fullmatch(consumer):
        raise ValueError("consumer is not the name of a service")
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(SERVICE.for_transaction)
        tx = Transaction(connection)
        sender = _Sender(tx, bus, service, consumer, await tx.fetch_value(_EPOCH))
        async for key, states in snapshot(tx, keyring):
            await sender.add(key, states)
        await sender.flush()
        await sender.send_empty_keys()
        return SnapshotReport(len(sender.sent), sender.states)


class _Sender:
    """Collects keys with their states and publishes them in batches."""

    def __init__(self, tx: Transaction, bus: Bus, service: str, consumer: str, epoch: int) -> None:
        self._tx = tx
        self._bus = bus
        self._type = snapshot_type(service, consumer)
        self._source = source_of(service, epoch)
        self._collected: dict[UUID, list[EventData]] = {}
        self.sent: set[UUID] = set()
        self.states = 0

    async def add(self, key: UUID, states: Sequence[EventData]) -> None:
        """Take one key; a producer gives each key once."""
        if key in self.sent or key in self._collected:
            raise ValueError("the producer's snapshot gave a partition key twice")
        self._collected[key] = list(states)
        if len(self._collected) >= _KEYS_PER_BATCH:
            await self.flush()

    async def flush(self) -> None:
        """Publish what was collected; keys that never emitted have no order to join and are left out."""
        rows = await self._tx.fetch(_SEQUENCES, keys=list(self._collected))
        await self._publish({row["partition_key"]: row["last_sequence"] for row in rows})
        self._collected = {}

    async def send_empty_keys(self) -> None:
        """Publish the keys the producer has events of, but no state."""
        after = UUID(int=0)
        while rows := await self._tx.fetch(_KEYS_AFTER, after=after, limit=_KEYS_PER_BATCH):
            after = rows[-1]["partition_key"]
            unsent = (row for row in rows if row["partition_key"] not in self.sent)
            await self._publish({row["partition_key"]: row["last_sequence"] for row in unsent})

    async def _publish(self, sequences: dict[UUID, int]) -> None:
        messages = [self._message(key, sequence, self._collected.get(key, [])) for key, sequence in sequences.items()]
        if messages:
            await self._bus.publish(messages)
            crash_point("snapshot.sent")
        self.sent.update(sequences)
        self.states += sum(len(self._collected.get(key, [])) for key in sequences)

    def _message(self, key: UUID, sequence: int, states: Sequence[EventData]) -> Outgoing:
        body = {
            "partition_key": str(key),
            "sequence": sequence,
            "states": [{"type": state.event_type, "data": state.model_dump(mode="json")} for state in states],
        }
        envelope = Envelope(new_id(), self._type, self._source, utc_now(), key, sequence)
        return Outgoing(self._type, headers_of(envelope), to_json(body))
