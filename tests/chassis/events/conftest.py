"""The two parties, each on a database of its own; the streams are new for every test."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from services.chassis import bus as message_bus
from services.chassis.data_keys import open_keyring
from services.chassis.db import create_pool
from services.chassis.sealing import Suite
from tests.chassis.events.stage import MIRROR, ORIGIN, Mirror, Party, superuser
from tests.conftest import MakeDatabase
from tests.servers import Servers

MIGRATIONS = Path(__file__).parent / "migrations"
EMPTY = """
    TRUNCATE outbox, event_sequence, inbox_position, inbox_held, inbox_dead, effect RESTART IDENTITY;
    UPDATE relay_state SET last_position = 0, first_position_kept = 1, epoch = 1;
"""


@pytest.fixture
async def fresh_streams(servers: Servers) -> None:
    """No stream of an earlier test."""
    client = Client()
    await client.connect(servers.nats_url)
    for stream in (ORIGIN, MIRROR):
        try:
            await client.jetstream().delete_stream(stream)
        except NotFoundError:
            continue
    await client.close()


@pytest.fixture(scope="module")
def dsns(make_database: MakeDatabase) -> tuple[str, str]:
    """Databases of the origin and of the mirror."""
    return make_database("office", MIGRATIONS).application_url, make_database("office", MIGRATIONS).application_url


@pytest.fixture
async def parties(
    dsns: tuple[str, str], servers: Servers, key_file: Path, fresh_streams: None
) -> AsyncIterator[dict[str, Party]]:
    """Both parties, on empty databases."""
    async with AsyncExitStack() as stack:
        made = {}
        for name, dsn in zip((ORIGIN, MIRROR), dsns, strict=True):
            async with superuser(servers, dsn) as owner:
                await owner.execute(EMPTY)
            pool = await create_pool(dsn, size=4, command_timeout=10, application=name)
            stack.push_async_callback(pool.close)
            bus = await message_bus.connect(servers.nats_url, name=name, on_closed=lambda: None)
            stack.push_async_callback(bus.close)
            made[name] = Party(name, dsn, pool, bus, await open_keyring(pool, key_file, Suite.AES_256_GCM))
        yield made


@pytest.fixture
def origin(parties: dict[str, Party]) -> Party:
    """The producer."""
    return parties[ORIGIN]


@pytest.fixture
def mirror(parties: dict[str, Party]) -> Party:
    """The consumer."""
    return parties[MIRROR]


@pytest.fixture
def handlers() -> Mirror:
    """The mirror's handlers."""
    return Mirror()
