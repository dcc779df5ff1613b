"""The broker loses what it had acknowledged (F6): the outbox knows better, and every follower gets what it has not had."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from nats.js import JetStreamContext

from services.chassis import consumer as consumer_module
from services.chassis import operations, reconciler
from services.chassis.db import without_transaction
from services.chassis.ids import new_id
from services.chassis.operations import InboxComparison, Reconciliation
from services.chassis.reconciler import Reconciler
from services.chassis.rows import SERVICE
from services.chassis.snapshots import send_snapshot
from tests.chassis.events.cable import Cable
from tests.chassis.events.stage import ORIGIN, ItemMoved, ItemWeighed, Mirror, Party, assert_applied, running, until, until_rows
from tests.chassis.events.test_broken_bus import bus_by, cable  # noqa: F401 - a fixture
from tests.looking import Looking
from tests.servers import Servers


@asynccontextmanager
async def published(origin: Party, mirror: Party, handlers: Mirror, seen: int, unseen: int) -> AsyncIterator[UUID]:
    """A key with events, of which the mirror has had the first `seen`; relay and consumer are stopped."""
    key = new_id()
    relay = origin.relay()
    async with running(relay):
        await origin.emit(*(ItemMoved(item_id=key, amount=number) for number in range(seen)))
        await until(relay.flushed)
        consumer = mirror.consumer(handlers.in_bulk())
        async with running(consumer):
            await until(consumer.settled)
        await origin.emit(*(ItemWeighed(item_id=key, amount=number) for number in range(unseen)))
        await until(relay.flushed)
    yield key


async def reconciled(origin: Party, *, thorough: bool = True) -> Reconciliation:
    async with without_transaction(origin.pool, rows=SERVICE) as tx:
        return await operations.reconcile(tx, origin.bus, service=ORIGIN, thorough=thorough)


async def assert_mirror_has_all(mirror: Party, handlers: Mirror, key: UUID, count: int) -> None:
    consumer = mirror.consumer(handlers.in_bulk())
    async with running(consumer):
        await until(consumer.settled)
    await assert_applied(mirror.pool, {key: range(1, count + 1)})


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize("loss", ["deleted", "purged", "a message", "none"])
async def test_what_the_stream_lost_is_published_again(
    origin: Party, mirror: Party, handlers: Mirror, loss: str, thorough: bool
) -> None:
    jetstream: JetStreamContext = origin.bus._jetstream
    async with published(origin, mirror, handlers, seen=2, unseen=3) as key:
        if loss == "deleted":
            await jetstream.delete_stream(ORIGIN)
        elif loss == "purged":
            await jetstream.purge_stream(ORIGIN)
        elif loss == "a message":
            await jetstream.delete_msg(ORIGIN, 4)
        lost = {"deleted": 5, "purged": 5, "a message": 1, "none": 0}[loss]
        assert await reconciled(origin, thorough=thorough) == Reconciliation(published=5, republished=lost)
        await assert_mirror_has_all(mirror, handlers, key, 5)
        assert await reconciled(origin, thorough=thorough) == Reconciliation(published=5, republished=0)


async def test_a_loss_behind_repeated_messages_is_found_by_looking_at_each(
    origin: Party, mirror: Party, handlers: Mirror
) -> None:
    jetstream: JetStreamContext = origin.bus._jetstream
    async with published(origin, mirror, handlers, seen=2, unseen=3) as key:
        message = await jetstream.get_msg(ORIGIN, 5)
        assert message.subject
        assert message.data
        headers = {name: value for name, value in (message.headers or {}).items() if not name.startswith("Nats-")}
        await jetstream.publish(message.subject, message.data, headers=headers)
        await jetstream.delete_msg(ORIGIN, 4)
        assert (await reconciled(origin, thorough=False)).republished == 0, "as many as there should be"
        assert (await reconciled(origin)).republished == 1
        await assert_mirror_has_all(mirror, handlers, key, 5)


async def test_snapshots_are_not_taken_for_events(origin: Party, mirror: Party, handlers: Mirror) -> None:
    async def nothing(*_: object) -> AsyncIterator[tuple[UUID, list[ItemMoved]]]:
        for _number in range(0):
            yield new_id(), []

    async with published(origin, mirror, handlers, seen=1, unseen=1):
        await send_snapshot(
            origin.pool, origin.bus, service=ORIGIN, consumer="mirror", snapshot=nothing, keyring=origin.keyring
        )
        assert await reconciled(origin) == Reconciliation(published=2, republished=0)


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds of a million events, for a few hundred."""
    monkeypatch.setattr(reconciler, "_BATCH", 10)
    monkeypatch.setattr(reconciler, "_UNMATCHED_MAX", 30)
    monkeypatch.setattr(reconciler, "_EARLY_MAX", 60)


async def test_a_sound_stream_larger_than_memory_is_left_alone(
    origin: Party, mirror: Party, handlers: Mirror, little_memory: None
) -> None:
    async with published(origin, mirror, handlers, seen=50, unseen=2200):
        assert await reconciled(origin) == Reconciliation(published=2250, republished=0)


@pytest.mark.parametrize("gone", [range(60, 190), range(1, 200), range(100, 251), range(1, 251, 2)])
async def test_memory_is_bounded_whatever_stretch_is_gone(
    origin: Party, mirror: Party, handlers: Mirror, little_memory: None, gone: range
) -> None:
    async with published(origin, mirror, handlers, seen=50, unseen=200) as key:
        for number in gone:
            await origin.bus._jetstream.delete_msg(ORIGIN, number)
        assert (await reconciled(origin)).republished >= len(gone)
        await assert_mirror_has_all(mirror, handlers, key, 250)
        assert (await reconciled(origin)).republished == 0


async def test_it_looks_by_itself_and_at_once_when_the_broker_comes_back(
    origin: Party,
    mirror: Party,
    handlers: Mirror,
    cable: Cable,  # noqa: F811 - a fixture
    servers: Servers,
) -> None:
    bus = await bus_by(cable, servers)
    wired = dataclasses.replace(origin, bus=bus)
    async with published(origin, mirror, handlers, seen=2, unseen=3) as key:
        every, after_outage = (Reconciler(wired.dsn, bus, service=ORIGIN, every_s=seconds) for seconds in (0.1, 3600))

        async def is_whole() -> bool:
            state = await origin.bus.stream_state(ORIGIN)
            return state is not None and state.messages == 5

        async with running(every):
            await asyncio.sleep(0.3)
            await origin.bus._jetstream.purge_stream(ORIGIN)
            await until(is_whole)
        async with running(after_outage):
            await asyncio.sleep(0.5)
            await cable.pull()
            await origin.bus._jetstream.delete_msg(ORIGIN, (await origin.bus._jetstream.stream_info(ORIGIN)).state.last_seq)
            assert not await is_whole()
            await cable.plug()
            await until(is_whole)
        await assert_mirror_has_all(mirror, handlers, key, 5)
    await bus.close()


async def test_a_gap_that_does_not_close_makes_the_follower_read_again(
    origin: Party, mirror: Party, handlers: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the stream has and the inbox never got: acknowledged by mistake, or the mirror was restored to the past."""
    monkeypatch.setattr(consumer_module, "_STUCK_S", 0.3)
    monkeypatch.setattr(consumer_module, "_MEASURE_EVERY_S", 0.1)
    async with published(origin, mirror, handlers, seen=1, unseen=2) as key:
        pull = await mirror.bus.pull_consumer(ORIGIN, "mirror")
        for delivery in await pull.fetch(10, 1.0):
            await delivery.acknowledge()
        await pull.close()
        relay, consumer = origin.relay(), mirror.consumer(handlers.in_bulk())
        async with running(relay, consumer):
            await origin.emit(ItemMoved(item_id=key, amount=1))
            await until_rows(mirror.pool, "SELECT count(*) FROM inbox_held", 1)
            assert await operations.compare_inbox(origin.pool, mirror.pool, producer=ORIGIN) == InboxComparison(1, 0)
            await until_rows(mirror.pool, "SELECT count(*) FROM effect", 4)
            await until(consumer.settled)
        await assert_applied(mirror.pool, {key: range(1, 5)})
        assert await operations.compare_inbox(origin.pool, mirror.pool, producer=ORIGIN) == InboxComparison(0, 0)
        await Looking(origin.pool).fetch("UPDATE event_sequence SET last_sequence = 2")
        assert await operations.compare_inbox(origin.pool, mirror.pool, producer=ORIGIN) == InboxComparison(0, 1)
