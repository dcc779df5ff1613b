"""The two parties of these tests, and the checker every one of them answers to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

import asyncpg

from services.chassis.bus import Bus, Outgoing
from services.chassis.clock import LawClock
from services.chassis.cloudevents import Arrived, headers_of, source_of
from services.chassis.consumer import Consumer
from services.chassis.db import Pool, Transaction, in_transaction, prepare
from services.chassis.events import Envelope, EventData, Received
from services.chassis.ids import new_id
from services.chassis.inbox import Inbox
from services.chassis.keyring import Keyring
from services.chassis.outbox import Relay
from services.chassis.principal import service_principal
from services.chassis.reconciler import Reconciler
from services.chassis.rows import SERVICE, SERVICE_SESSION
from services.chassis.subscriptions import Subscriptions, each, many
from services.chassis.work import Work
from tests.looking import Looking
from tests.servers import Servers

ORIGIN = "origin"
MIRROR = "mirror"
POISON = 666
WAIT_S = 20.0

_EFFECT = prepare(
    """
    INSERT INTO effect (item_id, sequence, event_type, amount)
    SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:sequences AS bigint[]), CAST(:types AS text[]), CAST(:amounts AS integer[])
    )
    """
)


class ItemEvent(EventData):
    """Something happened to an item."""

    item_id: UUID
    amount: int

    @property
    def partition_key(self) -> UUID:
        """Order is kept per item."""
        return self.item_id


class ItemMoved(ItemEvent):
    """An item moved."""

    event_type: ClassVar[str] = "origin.item.moved.v1"


class ItemWeighed(ItemEvent):
    """An item was weighed."""

    event_type: ClassVar[str] = "origin.item.weighed.v1"


class ItemPainted(ItemEvent):
    """An item was painted; the mirror does not care."""

    event_type: ClassVar[str] = "origin.item.painted.v1"


class ItemMirrored(ItemEvent):
    """The mirror's own event, emitted by a handler."""

    event_type: ClassVar[str] = "mirror.item.mirrored.v1"


@dataclass(slots=True)
class Mirror:
    """The handlers, and switches that make them fail."""

    poisoned: bool = True
    emits: bool = False
    calls: list[int] = field(default_factory=list)
    traces: list[str | None] = field(default_factory=list)
    before_write: Callable[[Work], Awaitable[None]] | None = None

    async def write(self, work: Work, received: Sequence[Received[ItemEvent]]) -> None:
        """Leave one effect per event; an amount of 666 is more than this can bear."""
        self.calls.append(len(received))
        self.traces.append(work.traceparent)
        if self.before_write is not None:
            await self.before_write(work)
        if self.poisoned and any(event.data.amount == POISON for event in received):
            raise ValueError("the number of the beast")
        await work.tx.execute(
            _EFFECT,
            ids=[event.data.item_id for event in received],
            sequences=[event.envelope.sequence for event in received],
            types=[event.data.event_type for event in received],
            amounts=[event.data.amount for event in received],
        )
        if self.emits:
            for event in received:
                work.emit(ItemMirrored(item_id=event.data.item_id, amount=event.data.amount))

    async def write_one(self, work: Work, received: Received[ItemEvent]) -> None:
        """The same for one event."""
        await self.write(work, [received])

    def one_by_one(self) -> Subscriptions:
        """Every event by itself."""
        return {ItemMoved: each(self.write_one), ItemWeighed: each(self.write_one)}

    def in_bulk(self) -> Subscriptions:
        """Lists of events."""
        return {ItemMoved: many(self.write), ItemWeighed: many(self.write)}


@dataclass(slots=True)
class Party:
    """A service reduced to its events: a database, a bus, keys."""

    name: str
    dsn: str
    pool: Pool
    bus: Bus
    keyring: Keyring

    def make_work(self, tx: Transaction, traceparent: str | None) -> Work:
        """The service's own unit of work."""
        clock = LawClock()
        return Work(
            tx=tx,
            service=self.name,
            principal=service_principal(self.name),
            keyring=self.keyring,
            today=clock.today(),
            law_now=clock.now(),
            request_id=str(new_id()),
            traceparent=traceparent,
        )

    async def emit(self, *events: EventData, traceparent: str | None = None) -> None:
        """Commit some events."""

        async def body(tx: Transaction) -> None:
            work = self.make_work(tx, traceparent)
            for event in events:
                work.emit(event)
            await work.flush()

        await in_transaction(self.pool, body, rows=SERVICE)

    def relay(self, **options: float) -> Relay:
        """A relay of this service."""
        return Relay(self.dsn, self.bus, service=self.name, poll_s=options.pop("poll_s", 0.05), **options)  # type: ignore[arg-type]

    def consumer(self, subscriptions: Subscriptions, wake_relay: Callable[[], None] = lambda: None) -> Consumer:
        """A consumer of this service."""
        return Consumer(
            self.pool,
            self.dsn,
            self.bus,
            service=self.name,
            subscriptions=subscriptions,
            make_work=self.make_work,
            wake_relay=wake_relay,
        )

    def inbox(self, subscriptions: Subscriptions) -> Inbox:
        """This service's inbox for the origin."""
        return Inbox(self.pool, service=self.name, producer=ORIGIN, subscriptions=subscriptions, make_work=self.make_work)


def arrived(item_id: UUID, sequence: int, *, amount: int = 1, model: type[ItemEvent] = ItemMoved) -> Arrived:
    """An event as the stream would bring it."""
    envelope = Envelope(
        id=UUID(int=(item_id.int + sequence) % (1 << 128)),
        type=model.event_type,
        source=source_of(ORIGIN, 1),
        time=datetime(2026, 3, 1, tzinfo=UTC),
        partition_key=item_id,
        sequence=sequence,
    )
    return Arrived(envelope, model(item_id=item_id, amount=amount).model_dump_json())


def outgoing(event: Arrived) -> Outgoing:
    """The same event as a message, under a message id of its own, so that the stream keeps every copy."""
    headers = headers_of(event.envelope) | {"Nats-Msg-Id": str(new_id())}
    return Outgoing(event.envelope.type, headers, event.body.encode())


@asynccontextmanager
async def running(*parts: Relay | Consumer | Reconciler) -> AsyncIterator[None]:
    """Run relays and consumers for the length of the block."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def until(condition: Callable[[], Awaitable[bool]], wait_s: float = WAIT_S) -> None:
    """Wait for something that must come true."""
    async with asyncio.timeout(wait_s):
        while not await condition():  # noqa: ASYNC110 - the other side is another process
            await asyncio.sleep(0.01)


async def until_rows(pool: Pool, query: str, count: int, *arguments: object) -> None:
    """Wait until `query` counts `count`."""

    async def reached() -> bool:
        return bool(await Looking(pool).fetchval(query, *arguments) == count)

    await until(reached)


async def assert_applied(pool: Pool, expected: Mapping[UUID, Sequence[int]]) -> None:
    """The checker (I2, I4): of each item exactly these sequences had an effect, once each and in order."""
    rows = await Looking(pool).fetch(
        "SELECT item_id, array_agg(sequence ORDER BY effect_id) AS applied FROM effect WHERE item_id = ANY($1) GROUP BY 1",
        list(expected),
    )
    applied = {row["item_id"]: row["applied"] for row in rows}
    for item_id, sequences in expected.items():
        assert applied.get(item_id, []) == list(sequences)


async def sequences_in(pool: Pool, table: str, item_ids: Iterable[UUID]) -> dict[UUID, list[int]]:
    """Sequences per key in `inbox_held` or `inbox_dead`."""
    rows = await Looking(pool).fetch(
        f"SELECT partition_key, array_agg(sequence ORDER BY sequence) AS s FROM {table} "
        "WHERE partition_key = ANY($1) GROUP BY partition_key",
        list(item_ids),
    )
    return {row["partition_key"]: row["s"] for row in rows}


async def leader_pid(party: Party, task: str) -> int | None:
    """The backend that holds the leadership."""
    pid: int | None = await Looking(party.pool).fetchval(
        """
        SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database() AND a.application_name = $1
        """,
        task,
    )
    return pid


@asynccontextmanager
async def superuser(servers: Servers, dsn: str = "@/postgres?") -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection that may do everything, to the database of `dsn`."""
    database = dsn.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(servers.postgres_url(database), server_settings=SERVICE_SESSION)
    try:
        yield connection
    finally:
        await connection.close()
