"""Snapshot and tail: a service that knows nothing, or lost what it knew, catches up."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from services.chassis.db import Transaction, prepare
from services.chassis.events import EventData
from services.chassis.ids import new_id
from services.chassis.keyring import Keyring
from services.chassis.snapshots import SnapshotReport, send_snapshot
from tests.chassis.events.stage import (
    MIRROR,
    ORIGIN,
    POISON,
    ItemMoved,
    ItemPainted,
    ItemWeighed,
    Mirror,
    Party,
    arrived,
    assert_applied,
    running,
    sequences_in,
    until,
)
from tests.looking import Looking

_ITEMS = prepare("SELECT DISTINCT partition_key FROM outbox WHERE event_type = 'origin.item.moved.v1' ORDER BY partition_key")


async def states(tx: Transaction, _: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:
    """Every item that ever moved stands somewhere and weighs something."""
    for row in await tx.fetch(_ITEMS):
        key = row["partition_key"]
        yield key, [ItemMoved(item_id=key, amount=7), ItemWeighed(item_id=key, amount=8), ItemPainted(item_id=key, amount=9)]


async def send(origin: Party, consumer: str = MIRROR) -> SnapshotReport:
    return await send_snapshot(
        origin.pool, origin.bus, service=ORIGIN, consumer=consumer, snapshot=states, keyring=origin.keyring
    )


async def forget_the_stream(origin: Party) -> None:
    """Whatever was published before is out of the stream's age."""
    await origin.bus._jetstream.purge_stream(ORIGIN)


async def test_an_empty_service_fills_from_snapshot_and_tail(origin: Party, mirror: Party, handlers: Mirror) -> None:
    keys = [new_id() for _ in range(5)]
    gone = new_id()
    relay = origin.relay()
    consumer = mirror.consumer(handlers.in_bulk())
    async with running(relay):
        for amount in range(3):
            await origin.emit(*(ItemMoved(item_id=key, amount=amount) for key in keys), ItemPainted(item_id=gone, amount=1))
        await until(relay.flushed)
        await forget_the_stream(origin)
        await origin.emit(ItemMoved(item_id=keys[0], amount=3), ItemPainted(item_id=gone, amount=2))
        await until(relay.flushed)
        async with running(consumer):
            await until(consumer.settled)
            assert await sequences_in(mirror.pool, "inbox_held", [keys[0], gone]) == {keys[0]: [4], gone: [4]}
            assert await send(origin) == SnapshotReport(keys=6, states=15)
            await until(consumer.settled)
            await origin.emit(*(ItemMoved(item_id=key, amount=4) for key in [*keys, gone]))
            await until(relay.flushed)
            await until(consumer.settled)
    # Two states at the snapshot's sequence, then the tail; what had been held is part of the snapshot.
    expected: dict[UUID, list[int]] = {key: [3, 3, 4] for key in keys[1:]} | {keys[0]: [4, 4, 5], gone: [5]}
    await assert_applied(mirror.pool, expected)
    assert await Looking(mirror.pool).fetchval("SELECT count(*) FROM inbox_held") == 0


async def test_a_snapshot_is_only_for_whom_it_names(origin: Party, mirror: Party, handlers: Mirror) -> None:
    key = new_id()
    relay, consumer = origin.relay(), mirror.consumer(handlers.in_bulk())
    async with running(relay, consumer):
        await origin.emit(ItemMoved(item_id=key, amount=1))
        await until(relay.flushed)
        await forget_the_stream(origin)
        await send(origin, consumer="other")
        await until(consumer.settled)
    assert await Looking(mirror.pool).fetchval("SELECT count(*) FROM inbox_dead") == 0


async def test_a_snapshot_that_is_not_newer_changes_nothing(origin: Party, mirror: Party, handlers: Mirror) -> None:
    key = new_id()
    relay, consumer = origin.relay(), mirror.consumer(handlers.in_bulk())
    async with running(relay, consumer):
        await origin.emit(ItemMoved(item_id=key, amount=1), ItemMoved(item_id=key, amount=2))
        await until(relay.flushed)
        await send(origin)
        await send(origin)
        await until(consumer.settled)
    await assert_applied(mirror.pool, {key: (1, 2)})


async def test_a_snapshot_heals_a_key_with_a_dead_event(origin: Party, mirror: Party, handlers: Mirror) -> None:
    key = new_id()
    relay, consumer = origin.relay(), mirror.consumer(handlers.one_by_one())
    async with running(relay, consumer):
        await origin.emit(*(ItemMoved(item_id=key, amount=amount) for amount in (1, POISON, 3)))
        await until(relay.flushed)
        await until(consumer.settled)
        assert await sequences_in(mirror.pool, "inbox_dead", [key]) == {key: [2]}
        await send(origin)
        await until(consumer.settled)
    await assert_applied(mirror.pool, {key: (1, 3, 3)})
    assert await sequences_in(mirror.pool, "inbox_dead", [key]) == {}
    assert await sequences_in(mirror.pool, "inbox_held", [key]) == {}


async def test_a_snapshot_drains_what_waits_behind_it(origin: Party, mirror: Party, handlers: Mirror) -> None:
    key = new_id()
    relay, consumer = origin.relay(), mirror.consumer(handlers.one_by_one())
    async with running(relay):
        await origin.emit(ItemMoved(item_id=key, amount=1), ItemMoved(item_id=key, amount=2))
        await until(relay.flushed)
        await forget_the_stream(origin)
        await mirror.inbox(handlers.one_by_one()).settle([arrived(key, 3), arrived(key, 4), arrived(key, 6)])
        await send(origin)
    async with running(consumer):
        await until(consumer.settled)
    await assert_applied(mirror.pool, {key: (2, 2, 3, 4)})
    assert await sequences_in(mirror.pool, "inbox_held", [key]) == {key: [6]}


async def test_a_snapshot_that_poisons_is_dead_until_replayed(origin: Party, mirror: Party, handlers: Mirror) -> None:
    async def poisonous(tx: Transaction, _: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:
        yield key, [ItemMoved(item_id=key, amount=POISON)]

    key = new_id()
    relay, consumer = origin.relay(), mirror.consumer(handlers.in_bulk())
    async with running(relay):
        await origin.emit(ItemMoved(item_id=key, amount=1), ItemMoved(item_id=key, amount=2))
        await until(relay.flushed)
        await forget_the_stream(origin)
        await send_snapshot(
            origin.pool, origin.bus, service=ORIGIN, consumer=MIRROR, snapshot=poisonous, keyring=origin.keyring
        )
    async with running(consumer):
        await until(consumer.settled)
    assert await sequences_in(mirror.pool, "inbox_dead", [key]) == {key: [2]}
    handlers.poisoned = False
    report = await mirror.inbox(handlers.in_bulk()).replay()
    assert (report.applied, report.still_dead) == (1, 0)
    await assert_applied(mirror.pool, {key: [2]})


async def test_a_producer_may_give_a_key_only_once(origin: Party) -> None:
    async def doubled(tx: Transaction, _: Keyring) -> AsyncIterator[tuple[UUID, list[EventData]]]:
        yield key, []
        yield key, []

    key = new_id()
    with pytest.raises(ValueError, match="twice"):
        await send_snapshot(origin.pool, origin.bus, service=ORIGIN, consumer=MIRROR, snapshot=doubled, keyring=origin.keyring)


@pytest.mark.parametrize("name", ["", "Mirror", "mirror.v1", "*", ">"])
async def test_a_consumer_needs_a_lawful_name(origin: Party, name: str) -> None:
    with pytest.raises(ValueError, match="name of a service"):
        await send(origin, consumer=name)
