"""The consumer on the real stream: what was published has exactly one effect, whoever dies or competes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis import consumer as consumer_module
from services.chassis.bus import Outgoing
from services.chassis.bus_errors import StreamMissingError
from services.chassis.cloudevents import Arrived
from services.chassis.consumer import Consumer
from services.chassis.ids import new_id
from services.chassis.inbox import Inbox
from services.chassis.pull import Delivery
from services.chassis.work import Work
from tests.chassis.events.stage import (
    MIRROR,
    ORIGIN,
    POISON,
    ItemMirrored,
    ItemMoved,
    Mirror,
    Party,
    arrived,
    assert_applied,
    leader_pid,
    outgoing,
    running,
    sequences_in,
    superuser,
    until,
    until_rows,
)
from tests.looking import Looking
from tests.servers import Servers

EFFECTS = "SELECT count(*) FROM effect"


@pytest.fixture
async def following(origin: Party, mirror: Party, handlers: Mirror) -> AsyncIterator[Consumer]:
    """A running consumer of the mirror on the origin's stream."""
    await origin.bus.ensure_stream(ORIGIN)
    consumer = mirror.consumer(handlers.in_bulk())
    async with running(consumer):

        async def follows() -> bool:
            return consumer.states() == {ORIGIN: "following"}

        await until(follows)
        yield consumer


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
async def test_every_event_twice_and_in_any_order_has_one_effect(
    origin: Party, mirror: Party, following: Consumer, data: st.DataObject
) -> None:
    keys = [new_id() for _ in range(3)]
    twice = [(key, sequence) for key in range(3) for sequence in range(1, 5)] * 2
    schedule = data.draw(st.permutations(twice))
    for key, sequence in schedule:
        await origin.bus.publish([outgoing(arrived(keys[key], sequence))])
    await until(following.settled)
    await assert_applied(mirror.pool, {key: range(1, 5) for key in keys})
    assert await sequences_in(mirror.pool, "inbox_held", keys) == {}


async def test_poison_delays_the_others_by_less_than_five_seconds(origin: Party, mirror: Party, following: Consumer) -> None:
    poisoned = [new_id() for _ in range(60)]
    healthy = [new_id() for _ in range(60)]
    mixed = [
        event
        for pair in zip(poisoned, healthy, strict=True)
        for event in (arrived(pair[0], 1, amount=POISON), arrived(pair[1], 1))
    ]
    started = time.monotonic()
    await origin.bus.publish([outgoing(event) for event in mixed] + [outgoing(arrived(key, 2)) for key in poisoned + healthy])
    await until_rows(mirror.pool, EFFECTS, 120)
    assert time.monotonic() - started < 5
    await until(following.settled)
    await assert_applied(mirror.pool, dict.fromkeys(healthy, (1, 2)) | dict.fromkeys(poisoned, ()))
    assert await sequences_in(mirror.pool, "inbox_dead", poisoned) == {key: [1] for key in poisoned}
    assert await sequences_in(mirror.pool, "inbox_held", poisoned) == {key: [2] for key in poisoned}


async def test_unreadable_messages_do_not_stop_the_stream(origin: Party, mirror: Party, following: Consumer) -> None:
    good = new_id()
    subject = ItemMoved.event_type
    headers = outgoing(arrived(new_id(), 1)).headers
    await origin.bus.publish(
        [
            Outgoing(subject, {}, b"no headers"),
            Outgoing(subject, {"Status": "404"}, b"no word of the server's"),
            Outgoing(subject, headers | {"ce-partitionkey": "?", "Nats-Msg-Id": "1"}, b"{}"),
            Outgoing(subject, headers | {"ce-sequence": "-1", "Nats-Msg-Id": "2"}, b"{}"),
            Outgoing(subject, headers | {"ce-time": "noon", "Nats-Msg-Id": "3"}, b"\xff\x00"),
            Outgoing("origin.snapshot.elsewhere.v1", {}, b"for somebody else"),
            outgoing(arrived(good, 1)),
        ]
    )
    await until(following.settled)
    await assert_applied(mirror.pool, {good: [1]})
    rows = await Looking(mirror.pool).fetch("SELECT partition_key, error FROM inbox_dead ORDER BY died_at")
    assert [row["partition_key"] == UUID(int=0) for row in rows] == [True, True, True, True, False]
    assert all(row["error"].startswith("malformed: ce-") for row in rows)


async def test_the_database_may_go_away_in_the_middle(
    origin: Party, mirror: Party, handlers: Mirror, following: Consumer
) -> None:
    cuts = 0

    async def cut(work: Work) -> None:
        nonlocal cuts
        if cuts < 3:
            cuts += 1
            await work.tx.connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    handlers.before_write = cut
    key = new_id()
    await origin.bus.publish([outgoing(arrived(key, sequence)) for sequence in range(1, 6)])
    await until_rows(mirror.pool, EFFECTS, 5)
    await until(following.settled)
    assert cuts == 3
    await assert_applied(mirror.pool, {key: range(1, 6)})
    assert await sequences_in(mirror.pool, "inbox_dead", [key]) == {}


async def test_of_two_consumers_one_works_and_the_other_takes_over(
    origin: Party, mirror: Party, handlers: Mirror, servers: Servers
) -> None:
    await origin.bus.ensure_stream(ORIGIN)
    key = new_id()
    first, second = mirror.consumer(handlers.in_bulk()), mirror.consumer(handlers.in_bulk())
    async with running(first, second):

        async def one_leads() -> bool:
            return sorted((first.states()[ORIGIN], second.states()[ORIGIN])) == ["following", "standby"]

        await until(one_leads)
        assert (await first.healthy(), await second.healthy()) == (None, None)
        await origin.bus.publish([outgoing(arrived(key, sequence)) for sequence in (1, 2)])
        await until_rows(mirror.pool, EFFECTS, 2)
        former = await leader_pid(mirror, "mirror:consumer:origin")
        assert former is not None
        async with superuser(servers) as connection:
            await connection.execute("SELECT pg_terminate_backend($1)", former)
        await origin.bus.publish([outgoing(arrived(key, sequence)) for sequence in (3, 4)])
        await until_rows(mirror.pool, EFFECTS, 4)
        assert await leader_pid(mirror, "mirror:consumer:origin") not in (None, former)
        await until(first.settled)
    await assert_applied(mirror.pool, {key: range(1, 5)})


async def test_a_stopped_consumer_gives_its_batch_back_at_once(origin: Party, mirror: Party, handlers: Mirror) -> None:
    await origin.bus.ensure_stream(ORIGIN)
    entered = asyncio.Event()

    async def hang(_: Work) -> None:
        entered.set()
        await asyncio.sleep(60)

    handlers.before_write = hang
    key = new_id()
    async with running(mirror.consumer(handlers.in_bulk())):
        await origin.bus.publish([outgoing(arrived(key, 1))])
        await entered.wait()
    handlers.before_write = None
    started = time.monotonic()
    async with running(mirror.consumer(handlers.in_bulk())):
        await until_rows(mirror.pool, EFFECTS, 1)
    assert time.monotonic() - started < 10  # far less than the 30 s of a silent death


async def test_a_consumer_may_start_before_its_producer(origin: Party, mirror: Party, handlers: Mirror) -> None:
    consumer = mirror.consumer(handlers.one_by_one())
    key = new_id()
    async with running(consumer):

        async def waits() -> bool:
            return consumer.states()[ORIGIN].startswith("waiting")

        await until(waits)
        assert await consumer.healthy() is None
        assert await consumer.settled()
        await origin.emit(ItemMoved(item_id=key, amount=1))
        async with running(origin.relay()):
            await until_rows(mirror.pool, EFFECTS, 1)
            await until(consumer.settled)


async def test_a_lost_durable_is_made_again(origin: Party, mirror: Party, following: Consumer) -> None:
    key = new_id()
    await origin.bus.publish([outgoing(arrived(key, 1))])
    await until_rows(mirror.pool, EFFECTS, 1)
    await mirror.bus._jetstream.delete_consumer(ORIGIN, MIRROR)
    await origin.bus.publish([outgoing(arrived(key, 2))])
    await until_rows(mirror.pool, EFFECTS, 2)
    await until(following.settled)
    await assert_applied(mirror.pool, {key: (1, 2)})


async def test_settled_waits_for_what_is_in_flight(origin: Party, mirror: Party, handlers: Mirror, following: Consumer) -> None:
    may_go = asyncio.Event()

    async def wait(_: Work) -> None:
        await may_go.wait()

    handlers.before_write = wait
    await origin.bus.publish([outgoing(arrived(new_id(), 1))])
    for _ in range(10):
        assert not await following.settled()
        await asyncio.sleep(0.02)
    may_go.set()
    await until(following.settled)
    assert await Looking(mirror.pool).fetchval(EFFECTS) == 1


async def test_what_a_handler_emits_is_published(origin: Party, mirror: Party, handlers: Mirror) -> None:
    handlers.emits = True
    relay = mirror.relay(poll_s=30)
    key = new_id()
    await origin.bus.ensure_stream(ORIGIN)
    async with running(relay, mirror.consumer(handlers.one_by_one(), wake_relay=relay.wake)):
        await origin.bus.publish([outgoing(arrived(key, 1))])
        await until_rows(mirror.pool, "SELECT count(*) FROM outbox WHERE published_position = 1", 1)
    assert await Looking(mirror.pool).fetchval("SELECT event_type FROM outbox") == ItemMirrored.event_type


async def test_batches_follow_each_other_without_loss(origin: Party, mirror: Party, handlers: Mirror) -> None:
    """More than one fetch takes, so that requests run ahead of the batches."""
    keys = [new_id() for _ in range(100)]
    await origin.bus.ensure_stream(ORIGIN)
    await origin.bus.publish([outgoing(arrived(key, sequence)) for sequence in range(1, 11) for key in keys])
    consumer = mirror.consumer(handlers.in_bulk())
    async with running(consumer):
        await until(consumer.settled)
    await assert_applied(mirror.pool, {key: range(1, 11) for key in keys})


async def _acknowledge_first(self: "consumer_module._Follower", leader: object, deliveries: list[Delivery]) -> None:
    """A planted bug: acknowledge, then die before the commit."""
    for delivery in deliveries:
        await delivery.acknowledge()
    if not getattr(self, "died", False):
        self.died = True  # type: ignore[attr-defined]
        raise StreamMissingError("planted death")
    await self._inbox.settle(self._read(deliveries))


async def _settle_nothing_twice(self: Inbox, events: list[Arrived]) -> None:
    """A planted bug: the effect is committed, the position in another transaction that never happens."""
    await self._apply_together(events)
    await Looking(self._pool).fetch("UPDATE inbox_position SET sequence = sequence - 1 WHERE sequence > 1")


@pytest.mark.parametrize(
    "plant",
    [
        lambda patch: patch.setattr(consumer_module._Follower, "_settle", _acknowledge_first),
        lambda patch: patch.setattr(Inbox, "settle", _settle_nothing_twice),
    ],
    ids=["acknowledge before commit", "position in another transaction"],
)
async def test_the_checker_sees_a_planted_bug(
    origin: Party, mirror: Party, handlers: Mirror, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    await origin.bus.ensure_stream(ORIGIN)
    key = new_id()
    consumer = mirror.consumer(handlers.one_by_one())
    async with running(consumer):
        for sequence in (1, 2, 2, 3):
            await origin.bus.publish([outgoing(arrived(key, sequence))])
            await until(consumer.settled)
    with pytest.raises(AssertionError):
        await assert_applied(mirror.pool, {key: (1, 2, 3)})
