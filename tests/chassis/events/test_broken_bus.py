"""NATS away: services start, work goes on, nothing is lost, readiness says so, and all is made good when it comes back."""

import dataclasses
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from services.chassis import bus as message_bus
from services.chassis.bus import Bus
from services.chassis.bus_errors import BusUnavailableError
from services.chassis.ids import new_id
from tests.chassis.events.cable import Cable
from tests.chassis.events.stage import ItemMoved, Mirror, Party, assert_applied, running, until, until_rows
from tests.servers import Servers


@pytest.fixture
async def cable(servers: Servers) -> AsyncIterator[Cable]:
    """The only way to NATS."""
    parts = urlsplit(servers.nats_url)
    assert parts.hostname
    assert parts.port
    made = Cable(parts.hostname, parts.port)
    await made.plug()
    yield made
    await made.pull()


async def bus_by(cable: Cable, servers: Servers) -> Bus:
    address = urlsplit(servers.nats_url).netloc.rpartition("@")[0]
    return await message_bus.connect(f"nats://{address}@127.0.0.1:{cable.port}", name="wired", on_closed=lambda: None)


async def test_a_cut_connection_costs_nothing(
    origin: Party, mirror: Party, handlers: Mirror, cable: Cable, servers: Servers
) -> None:
    bus = await bus_by(cable, servers)
    relay = dataclasses.replace(origin, bus=bus).relay()
    consumer = dataclasses.replace(mirror, bus=bus).consumer(handlers.in_bulk())
    key = new_id()

    async def relay_complains() -> bool:
        return await relay.healthy() is not None

    async with running(relay, consumer):
        await origin.emit(*(ItemMoved(item_id=key, amount=n) for n in range(3)))
        await until_rows(mirror.pool, "SELECT count(*) FROM effect", 3)
        await cable.pull()
        await origin.emit(*(ItemMoved(item_id=key, amount=n) for n in range(3)))
        await until(relay_complains)
        assert not await relay.flushed()
        assert not await consumer.settled()
        assert await bus.healthy() == "not connected"
        await cable.plug()
        await until(relay.flushed)
        await until(consumer.settled)
        assert (await bus.healthy(), await relay.healthy(), await consumer.healthy()) == (None, None, None)
    await assert_applied(mirror.pool, {key: range(1, 7)})
    await bus.close()


async def test_a_service_starts_without_nats(origin: Party, cable: Cable, servers: Servers) -> None:
    await cable.pull()
    bus = await bus_by(cable, servers)
    assert await bus.healthy() == "not connected"
    with pytest.raises(BusUnavailableError):
        await bus.ensure_stream("origin")
    relay = dataclasses.replace(origin, bus=bus).relay()
    async with running(relay):
        await origin.emit(ItemMoved(item_id=new_id(), amount=1))
        assert not await relay.flushed()
        await cable.plug()
        await until(relay.flushed)
    await bus.close()


async def test_closing_for_good_is_told_but_not_when_meant(servers: Servers, cable: Cable) -> None:
    told: list[bool] = []
    bus = await message_bus.connect(servers.nats_url, name="told", on_closed=lambda: told.append(True))
    await bus._client.close()
    assert told == [True]
    meant = await message_bus.connect(servers.nats_url, name="meant", on_closed=lambda: told.append(False))
    await meant.close()
    assert told == [True]


async def test_wrong_credentials_do_not_hang_the_start(servers: Servers) -> None:
    address = urlsplit(servers.nats_url).netloc.rpartition("@")[2]
    bus = await message_bus.connect(f"nats://admin:wrong@{address}", name="stranger", on_closed=lambda: None)
    assert await bus.healthy() == "not connected"
    await bus.close()
