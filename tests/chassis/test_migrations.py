"""Migrations beside a running service: one at a time, all rights at once, and one release of difference either way."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from services.chassis import migrations
from tests.chassis.office.app import DEFINITION
from tests.conftest import MakeDatabase
from tests.looking import as_service
from tests.running import InsideKeys, running_service
from tests.servers import Servers

FOLDER = DEFINITION.migrations


@pytest.fixture
def empty(servers: Servers) -> tuple[str, str]:
    """Owner's and application's URL of a database never migrated."""
    servers.create_database("office_empty", process="office")
    return servers.postgres_url("office_empty", "office_owner"), servers.postgres_url("office_empty", "office_app")


async def test_replicas_that_migrate_at_once_end_with_one_schema(servers: Servers, empty: tuple[str, str]) -> None:
    try:
        revisions = await asyncio.gather(*(migrations.upgrade(FOLDER, *empty) for _ in range(4)))
        assert set(revisions) == {migrations.head(FOLDER)}
        assert await migrations.current(empty[1]) == migrations.head(FOLDER)
    finally:
        await asyncio.to_thread(servers.drop_database, "office_empty")


async def test_migrating_again_never_opens_evidence_to_a_running_service(make_database: MakeDatabase) -> None:
    database = await asyncio.to_thread(make_database, "office", FOLDER)
    watcher = await asyncpg.connect(database.application_url)
    migrating = asyncio.create_task(_migrate_often(database.owner_url, database.application_url))
    allowed = 0
    while not migrating.done():
        allowed += await watcher.fetchval("SELECT has_table_privilege('audit_line', 'UPDATE')")
    await migrating
    await watcher.close()
    assert allowed == 0


async def _migrate_often(owner_url: str, application_url: str) -> None:
    for _ in range(20):
        await migrations.upgrade(FOLDER, owner_url, application_url)


async def test_code_runs_on_the_schema_of_the_next_release(
    make_database: MakeDatabase, servers: Servers, key_file: Path, inside_keys: InsideKeys
) -> None:
    database = await asyncio.to_thread(make_database, "office", FOLDER)
    owner = await asyncpg.connect(as_service(database.owner_url))
    await owner.execute("UPDATE alembic_version SET version_num = '9999_of_the_next_release'")
    await owner.close()
    assert await migrations.upgrade(FOLDER, database.owner_url, database.application_url) == "9999_of_the_next_release"
    async with running_service(
        DEFINITION,
        database_url=database.application_url,
        nats_url=servers.nats_url_of("office"),
        key_file=key_file,
        keys=inside_keys,
        changes_retention_days=7,
    ) as service:
        assert (await service.http.get("/readyz")).status_code in {200, 503}
        assert json.loads((await service.http.get("/livez")).content) == {"alive": True}


def test_a_database_never_migrated_or_older_is_behind() -> None:
    assert migrations.is_behind(FOLDER, None)
    assert not migrations.is_behind(FOLDER, migrations.head(FOLDER))
    assert not migrations.is_behind(FOLDER, "9999_of_the_next_release")
