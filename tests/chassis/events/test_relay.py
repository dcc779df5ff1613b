"""The relay: every committed event reaches the stream, in the order of its key, whatever happens in between."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from nats.aio.client import Client
from nats.js import api

from services.chassis.bus import Outgoing
from services.chassis.bus_errors import StreamFullError
from services.chassis.db import Transaction, in_transaction
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE
from tests.chassis.events.stage import (
    ORIGIN,
    ItemMoved,
    Mirror,
    Party,
    assert_applied,
    leader_pid,
    running,
    superuser,
    until,
    until_rows,
)
from tests.looking import Looking
from tests.servers import Servers

FAIL_ONCE = """
    CREATE SEQUENCE attempts;
    GRANT ALL ON SEQUENCE attempts TO PUBLIC;
    CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('attempts') = 1 THEN RAISE EXCEPTION 'planted failure'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER fail_once BEFORE UPDATE OF last_position ON relay_state FOR EACH ROW EXECUTE FUNCTION fail_once();
"""
PUBLISHED = "SELECT count(*) FROM outbox WHERE published_position IS NOT NULL"


@pytest.fixture
async def marking_fails_once(origin: Party, servers: Servers) -> AsyncIterator[None]:
    """The first marking is rolled back, when the batch is in the stream already; a sequence remembers across the rollback."""
    async with superuser(servers, origin.dsn) as owner:
        await owner.execute(FAIL_ONCE)
        yield
        await owner.execute("DROP FUNCTION fail_once() CASCADE; DROP SEQUENCE attempts")


async def stream_messages(servers: Servers, stream: str) -> list[dict[str, str]]:
    """Headers of all messages in a stream, in stream order."""
    client = Client()
    await client.connect(servers.nats_url)
    jetstream = client.jetstream()
    try:
        last = (await jetstream.stream_info(stream)).state.last_seq
        return [(await jetstream.get_msg(stream, number)).headers or {} for number in range(1, last + 1)]
    finally:
        await client.close()


async def test_a_later_id_that_commits_first_does_not_hide_an_earlier_one(origin: Party, servers: Servers) -> None:
    slow, fast = new_id(), new_id()
    written, may_commit = asyncio.Event(), asyncio.Event()

    async def slow_transaction(tx: Transaction) -> None:
        work = origin.make_work(tx, None)
        work.emit(ItemMoved(item_id=slow, amount=1))
        await work.flush()
        written.set()
        await may_commit.wait()

    async with running(origin.relay()):
        late = asyncio.create_task(in_transaction(origin.pool, slow_transaction, rows=SERVICE))
        await written.wait()
        await origin.emit(ItemMoved(item_id=fast, amount=2))
        await until_rows(origin.pool, PUBLISHED, 1)
        may_commit.set()
        await late
        await until_rows(origin.pool, PUBLISHED, 2)
    rows = await Looking(origin.pool).fetch("SELECT partition_key, published_position FROM outbox ORDER BY outbox_id")
    assert [(row["partition_key"], row["published_position"]) for row in rows] == [(slow, 2), (fast, 1)]
    assert [message["ce-partitionkey"] for message in await stream_messages(servers, ORIGIN)] == [str(fast), str(slow)]


async def test_many_writers_reach_the_stream_once_and_in_order_per_key(origin: Party, servers: Servers) -> None:
    keys = [new_id() for _ in range(5)]
    relay = origin.relay()

    async def writer(number: int) -> None:
        choose = random.Random(number)
        for _ in range(12):
            await origin.emit(*(ItemMoved(item_id=choose.choice(keys), amount=1) for _ in range(choose.randint(1, 4))))
            relay.wake()

    async with running(relay):
        await asyncio.gather(*(writer(number) for number in range(4)))
        await until(relay.flushed)
    rows = await Looking(origin.pool).fetch(
        "SELECT partition_key, sequence, published_position FROM outbox ORDER BY published_position"
    )
    assert [row["published_position"] for row in rows] == list(range(1, len(rows) + 1))
    messages = await stream_messages(servers, ORIGIN)
    assert [(m["ce-partitionkey"], int(m["ce-sequence"])) for m in messages] == [
        (str(row["partition_key"]), row["sequence"]) for row in rows
    ]
    for key in keys:
        sequences = [int(m["ce-sequence"]) for m in messages if m["ce-partitionkey"] == str(key)]
        assert sequences == list(range(1, len(sequences) + 1))


async def test_death_between_publishing_and_marking_has_no_second_effect(
    origin: Party, mirror: Party, handlers: Mirror, servers: Servers, marking_fails_once: None
) -> None:
    item = new_id()
    await origin.emit(*(ItemMoved(item_id=item, amount=n) for n in range(5)))
    consumer = mirror.consumer(handlers.in_bulk())
    async with running(origin.relay(), consumer):
        await until_rows(origin.pool, PUBLISHED, 5)
        await until_rows(mirror.pool, "SELECT count(*) FROM effect", 5)
        await until(consumer.settled)
    assert await Looking(origin.pool).fetchval("SELECT last_value FROM attempts") == 2
    assert len(await stream_messages(servers, ORIGIN)) == 5
    await assert_applied(mirror.pool, {item: range(1, 6)})
    positions = await Looking(origin.pool).fetch("SELECT published_position AS p FROM outbox ORDER BY outbox_id")
    assert [row["p"] for row in positions] == [1, 2, 3, 4, 5]


async def test_a_batch_with_a_known_message_id_is_published_singly(origin: Party, servers: Servers) -> None:
    await origin.bus.ensure_stream(ORIGIN)

    def message(name: str) -> Outgoing:
        return Outgoing(ItemMoved.event_type, {"Nats-Msg-Id": name}, b"{}")

    await origin.bus.publish([message("b")])
    await origin.bus.publish([message("a"), message("b"), message("c")])
    assert [m["Nats-Msg-Id"] for m in await stream_messages(servers, ORIGIN)] == ["b", "a", "c"]


async def test_a_large_backlog_is_published_in_order(origin: Party, servers: Servers) -> None:
    items = [new_id() for _ in range(3)]
    for _ in range(3):
        await origin.emit(*(ItemMoved(item_id=items[n % 3], amount=n) for n in range(900)))
    async with running(origin.relay()):
        await until_rows(origin.pool, PUBLISHED, 2700)
    state = await origin.bus.stream_state(ORIGIN)
    assert state is not None
    assert state.messages == 2700
    positions = await Looking(origin.pool).fetchrow(
        "SELECT count(DISTINCT published_position) AS distinct_positions, max(published_position) AS highest FROM outbox"
    )
    assert positions is not None
    assert (positions["distinct_positions"], positions["highest"]) == (2700, 2700)


async def test_a_full_stream_loses_nothing_and_says_so(origin: Party, servers: Servers) -> None:
    big = "1" * 1000
    await Looking(origin.pool).fetch(
        """
        INSERT INTO outbox (event_id, event_type, partition_key, sequence, division_codes, data)
        SELECT gen_random_uuid(), 'origin.item.moved.v1', gen_random_uuid(), 1, '{}', $1 FROM generate_series(1, 20)
        """,
        f'{{"filler": "{big}"}}',
    )
    relay = origin.relay(stream_bytes_max=10_000)
    async with running(relay):

        async def says_full() -> bool:
            return await relay.healthy() == StreamFullError.__name__

        await until(says_full)
        assert not await relay.flushed()
    roomy = origin.relay(stream_bytes_max=1_000_000)
    async with running(roomy):
        await until(roomy.flushed)
        assert await roomy.healthy() is None
    assert len(await stream_messages(servers, ORIGIN)) == 20


async def test_of_two_relays_one_works_and_the_other_takes_over(origin: Party, servers: Servers) -> None:
    first, second = origin.relay(), origin.relay()
    item = new_id()
    async with running(first, second):
        await origin.emit(ItemMoved(item_id=item, amount=1))
        await until_rows(origin.pool, PUBLISHED, 1)
        states = {await relay.healthy() for relay in (first, second)}
        assert states == {None}
        before = await leader_pid(origin, "origin:relay")
        assert before is not None
        async with superuser(servers) as connection:
            await connection.execute("SELECT pg_terminate_backend($1)", before)
        await origin.emit(ItemMoved(item_id=item, amount=2))
        await until_rows(origin.pool, PUBLISHED, 2)
        after = await leader_pid(origin, "origin:relay")
        assert after not in (None, before)
    assert [m["ce-sequence"] for m in await stream_messages(servers, ORIGIN)] == ["1", "2"]


async def test_the_trace_of_a_request_travels_with_its_event(origin: Party, mirror: Party, handlers: Mirror) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await origin.emit(ItemMoved(item_id=new_id(), amount=1), traceparent=trace)
    async with running(origin.relay(), mirror.consumer(handlers.one_by_one())):
        await until_rows(mirror.pool, "SELECT count(*) FROM effect", 1)
    assert handlers.traces == [trace]


async def test_an_existing_stream_gets_the_present_settings(origin: Party, servers: Servers) -> None:
    client = Client()
    await client.connect(servers.nats_url)
    await client.jetstream().add_stream(api.StreamConfig(name=ORIGIN, subjects=["origin.>"], max_bytes=1_000_000))
    await asyncio.gather(*(origin.bus.ensure_stream(ORIGIN) for _ in range(5)))
    config = (await client.jetstream().stream_info(ORIGIN)).config
    await client.close()
    assert (config.discard, config.max_age, config.duplicate_window, config.allow_atomic) == ("new", 14 * 86400, 600, True)


async def test_an_event_too_large_for_the_stream_fails_its_transaction(origin: Party) -> None:
    class Tome(ItemMoved):
        text: str

    with pytest.raises(Exception, match="outbox_data_check"):
        await origin.emit(Tome(item_id=UUID(int=1), amount=1, text="x" * 70_000))
    assert await Looking(origin.pool).fetchval("SELECT count(*) FROM outbox") == 0
