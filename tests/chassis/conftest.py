"""The office: a service without a duty, running on the real servers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chassis.office.app import DEFINITION
from tests.conftest import Database, MakeDatabase
from tests.running import Caller, InsideKeys, RunningService, running_service
from tests.servers import Servers

ALL_SCOPES = (
    "office.note.write",
    "office.note.read",
    "office.note.close",
    "office.changes.read",
    "office.audit_checkpoint.read",
    "sandbox.clock",
)


@pytest.fixture(scope="module")
def office_database(make_database: MakeDatabase) -> Database:
    """A migrated database for this module."""
    return make_database("office", DEFINITION.migrations)


@pytest.fixture(scope="module")
async def office(
    servers: Servers, office_database: Database, key_file: Path, inside_keys: InsideKeys
) -> AsyncIterator[RunningService]:
    """The running office."""
    async with running_service(
        DEFINITION,
        database_url=office_database.application_url,
        nats_url=servers.nats_url_of("office"),
        key_file=key_file,
        keys=inside_keys,
        pool_size=4,
        body_limit_bytes=4096,
    ) as service:
        yield service


@pytest.fixture
def clerk(office: RunningService) -> Caller:
    """A caller with every scope of the office."""
    return office.caller(ALL_SCOPES)
