"""What an operator sees and does about events."""

import pytest

from services.chassis import consumer as consumer_module
from services.chassis import inbox as inbox_module
from services.chassis import operations
from services.chassis.ids import new_id
from tests.chassis.events.stage import (
    MIRROR,
    ORIGIN,
    POISON,
    ItemMoved,
    Mirror,
    Party,
    arrived,
    assert_applied,
    running,
    until,
    until_rows,
)


async def test_lag_before_anything_exists(mirror: Party, handlers: Mirror) -> None:
    lag = await operations.lag(mirror.pool, mirror.bus, service=MIRROR, subscriptions=handlers.in_bulk())
    assert lag == operations.Lag(
        MIRROR,
        operations.OutboxLag(unpublished=0, oldest_s=None, stream_messages=None, stream_bytes=None, stream_bytes_max=None),
        (operations.InboxLag(producer=ORIGIN, pending=None, unacknowledged=None, held=0, oldest_held_s=None, dead=0),),
    )


async def test_lag_counts_what_is_under_way(origin: Party, mirror: Party, handlers: Mirror) -> None:
    relay, consumer = origin.relay(), mirror.consumer(handlers.in_bulk())
    async with running(relay, consumer):
        await origin.emit(ItemMoved(item_id=new_id(), amount=1))
        await until(relay.flushed)
        await until(consumer.settled)
    await origin.emit(ItemMoved(item_id=new_id(), amount=2), ItemMoved(item_id=new_id(), amount=3))
    await mirror.inbox(handlers.in_bulk()).settle([arrived(new_id(), 2), arrived(new_id(), 1, amount=POISON)])

    sent = (await operations.lag(origin.pool, origin.bus, service=ORIGIN, subscriptions={})).outbox
    assert (sent.unpublished, sent.stream_messages, sent.stream_bytes_max) == (2, 1, 2 << 30)
    assert sent.oldest_s is not None
    async with running(relay):
        await until(relay.flushed)
    (inbox,) = (await operations.lag(mirror.pool, mirror.bus, service=MIRROR, subscriptions=handlers.in_bulk())).inboxes
    assert (inbox.pending, inbox.unacknowledged, inbox.held, inbox.dead) == (2, 0, 1, 1)
    assert inbox.oldest_held_s is not None


async def test_dead_events_are_listed_without_data_and_replayed_in_order(mirror: Party, handlers: Mirror) -> None:
    first, second = new_id(), new_id()
    await mirror.inbox(handlers.in_bulk()).settle(
        [
            arrived(first, 1, amount=POISON),
            arrived(first, 2),
            arrived(first, 3, amount=POISON),
            arrived(second, 1, amount=POISON),
        ]
    )
    dead = await operations.dead_events(mirror.pool)
    assert {(event.partition_key, event.sequence, event.error) for event in dead} == {
        (first, 1, "ValueError"),
        (second, 1, "ValueError"),
    }

    async def replay(**limits: object) -> operations.ReplayReport:
        reports = await operations.replay(
            mirror.pool,
            service=MIRROR,
            subscriptions=handlers.one_by_one(),
            make_work=mirror.make_work,
            **limits,  # type: ignore[arg-type]
        )
        return reports[ORIGIN]

    assert await replay() == operations.ReplayReport(applied=0, still_dead=2)
    handlers.poisoned = False
    assert await replay(partition_key=first) == operations.ReplayReport(applied=1, still_dead=0)
    await assert_applied(mirror.pool, {first: (1, 2, 3), second: ()})
    assert await replay() == operations.ReplayReport(applied=1, still_dead=0)
    await assert_applied(mirror.pool, {second: [1]})


@pytest.mark.parametrize("healed_by", ["the next replay", "the running service"])
async def test_what_a_replay_set_free_before_it_died_is_not_forgotten(
    origin: Party, mirror: Party, handlers: Mirror, monkeypatch: pytest.MonkeyPatch, healed_by: str
) -> None:
    """No dead event leads to it any more."""
    monkeypatch.setattr(consumer_module, "_MEASURE_EVERY_S", 0.1)

    class DiedError(Exception):
        """Stands for SIGKILL at `replay.applied`."""

    def die(point: str) -> None:
        if point == "replay.applied":
            raise DiedError

    async def replay() -> operations.ReplayReport:
        reports = await operations.replay(
            mirror.pool, service=MIRROR, subscriptions=handlers.one_by_one(), make_work=mirror.make_work
        )
        return reports[ORIGIN]

    async def follows() -> bool:
        return consumer.states() == {ORIGIN: "following"}

    key = new_id()
    await origin.bus.ensure_stream(ORIGIN)
    consumer = mirror.consumer(handlers.one_by_one())
    async with running(origin.relay(), *([consumer] if healed_by == "the running service" else [])):
        if healed_by == "the running service":
            await until(follows)
        await mirror.inbox(handlers.one_by_one()).settle([arrived(key, 1, amount=POISON), arrived(key, 2), arrived(key, 3)])
        handlers.poisoned = False
        monkeypatch.setattr(inbox_module, "crash_point", die)
        with pytest.raises(DiedError):
            await replay()
        monkeypatch.setattr(inbox_module, "crash_point", lambda _: None)
        if healed_by == "the next replay":
            await assert_applied(mirror.pool, {key: [1]})
            assert await replay() == operations.ReplayReport(applied=0, still_dead=0)
        await until_rows(mirror.pool, "SELECT count(*) FROM effect WHERE item_id = $1", 3, key)
        await assert_applied(mirror.pool, {key: [1, 2, 3]})
