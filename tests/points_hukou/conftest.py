"""A running points_hukou on the real servers, and a hand that publishes in the registry's name."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from services.chassis import bus as message_bus
from services.chassis.bus import Bus, Outgoing
from services.points_hukou.app import DEFINITION
from services.points_hukou.schemas.fields import FIELDS
from tests.conftest import Database, MakeDatabase
from tests.looking import Looking
from tests.points_hukou.story import PRODUCER, Story, without_times
from tests.running import Caller, InsideKeys, RunningService, running_service
from tests.servers import Servers

WAIT_S = 20.0
CITY = "330282"


@dataclass(frozen=True, slots=True)
class PointsOffice:
    """The service, somebody of the city who may read files, and the registry's voice."""

    service: RunningService
    reader: Caller
    bus: Bus

    async def tell(self, messages: Iterable[Outgoing]) -> None:
        """Publish, in this order."""
        await self.bus.publish(list(messages))

    async def file(self, story: Story, as_of: int | None = None) -> dict[str, Any]:
        """The person's file, without system times, once it stands at `as_of` (the story's end)."""
        wanted = len(story.events) if as_of is None else as_of
        async with asyncio.timeout(WAIT_S):
            while True:
                response = await self.reader.get(f"/v1/points/files/{story.person_id}")
                if response.status_code == 200 and response.json()["as_of_sequence"] >= wanted:
                    return without_times(response.json())
                await asyncio.sleep(0.005)

    async def status(self, person_id: UUID, division: str) -> int:
        """What a client of `division` is answered."""
        caller = self.service.caller(["points.file.read"], division=division)
        return (await caller.get(f"/v1/points/files/{person_id}")).status_code

    async def settled(self) -> None:
        """Wait until everything published has been applied and acknowledged."""
        caller = self.service.caller(["sandbox.clock"])
        async with asyncio.timeout(WAIT_S):
            while not (await caller.get("/internal/sandbox/settled")).json()["settled"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def waiting(self) -> tuple[int, int]:
        """How many events are held and dead."""
        row = await Looking(self.service.runtime.pool).fetchrow(
            "SELECT (SELECT count(*) FROM inbox_held) AS held, (SELECT count(*) FROM inbox_dead) AS dead"
        )
        assert row is not None
        return row["held"], row["dead"]


async def _forget_stream(servers: Servers) -> None:
    client = Client()
    await client.connect(servers.nats_url)
    try:
        await client.jetstream().delete_stream(PRODUCER)
    except NotFoundError:
        pass
    finally:
        await client.close()


OpenOffice = Callable[[Database], AbstractAsyncContextManager[PointsOffice]]


@pytest.fixture(scope="module")
def open_office(servers: Servers, key_file: Path, inside_keys: InsideKeys) -> OpenOffice:
    """`open_office(database)`: the service running on it, following a new and empty stream of the registry.

    Tests run the jobs that they are about: left to itself it would run them every twenty seconds, on whatever day is set.
    """

    @asynccontextmanager
    async def opened(database: Database) -> AsyncIterator[PointsOffice]:
        await _forget_stream(servers)
        bus = await message_bus.connect(servers.nats_url, name="test", on_closed=lambda: None)
        try:
            await bus.ensure_stream(PRODUCER)
            async with running_service(
                replace(DEFINITION, jobs=()),
                database_url=database.application_url,
                nats_url=servers.nats_url_of("points_hukou"),
                key_file=key_file,
                keys=inside_keys,
            ) as service:
                yield PointsOffice(service, service.caller(["points.file.read", *FIELDS.scopes.names()], division=CITY), bus)
        finally:
            await bus.close()

    return opened


@pytest.fixture(scope="module")
def database(make_database: MakeDatabase) -> Database:
    """A migrated database for this module."""
    return make_database("points_hukou", DEFINITION.migrations)


@pytest.fixture(scope="module")
async def office(open_office: OpenOffice, database: Database) -> AsyncIterator[PointsOffice]:
    """The running office of this module."""
    async with open_office(database) as running:
        yield running


@pytest.fixture(scope="module")
async def law(office: PointsOffice) -> dict[str, Any]:
    """The city's rules, in force for school places and housing from the first day."""
    from tests.points_hukou import window  # noqa: PLC0415 - which builds on this module

    async with window.on(office, window.START):
        return await window.in_force(office, window.START, "school", "housing")


@pytest.fixture
async def open_window(office: PointsOffice, law: dict[str, Any]) -> AsyncIterator[Caller]:
    """The town's window on that working day, once the rules are in force."""
    from tests.points_hukou import window  # noqa: PLC0415 - as above

    async with window.on(office, window.START):
        yield window.counter(office)
