"""An empty log for each test, and an empty archive on NATS."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from services.chassis import bus as message_bus
from services.chassis.archive import STREAM
from services.chassis.evidence.checkpoint import SigningKeys
from services.chassis.rows import SERVICE_SESSION
from tests.chassis.evidence.stage import SERVICE, Log
from tests.chassis.office.app import DEFINITION
from tests.conftest import Database, MakeDatabase
from tests.running import audit_key_file
from tests.servers import Servers

_EMPTY = """
    TRUNCATE audit_line, audit_seal, audit_checkpoint, audit_copy;
    UPDATE relay_state SET epoch = 1;
"""


@pytest.fixture(scope="module")
def evidence_database(make_database: MakeDatabase) -> Database:
    """A migrated database."""
    return make_database("office", DEFINITION.migrations)


@pytest.fixture
async def log(evidence_database: Database, servers: Servers, key_file: Path, tmp_path: Path) -> AsyncIterator[Log]:
    """The log of the office, empty."""
    admin = Client()
    await admin.connect(servers.nats_url)
    with suppress(NotFoundError):
        await admin.jetstream().delete_stream(STREAM)
    owner = await asyncpg.connect(evidence_database.owner_url, server_settings=SERVICE_SESSION)
    await owner.execute(_EMPTY)
    pool = await asyncpg.create_pool(evidence_database.application_url, min_size=1, max_size=4, server_settings=SERVICE_SESSION)
    bus = await message_bus.connect(servers.nats_url_of("office"), name="office", on_closed=lambda: None)
    keys = SigningKeys.load(SERVICE, audit_key_file(SERVICE, key_file.parent))
    yield Log(evidence_database.application_url, pool, owner, keys, bus, tmp_path / "copies")
    await bus.close()
    await pool.close()
    await owner.close()
    await admin.close()
