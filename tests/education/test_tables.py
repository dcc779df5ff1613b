"""The tables as declared are the tables as migrated."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Column, MetaData, Text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from services.chassis import migrations
from services.education.tables import METADATA
from tests.conftest import Database


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    """SQLAlchemy's own connection to the migrated database."""
    engine = create_async_engine(database.owner_url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool)
    async with engine.connect() as opened:
        yield opened
    await engine.dispose()


async def test_migrations_lead_to_the_declared_tables(connection: AsyncConnection) -> None:
    assert await connection.run_sync(migrations.differences, METADATA) == []


async def test_the_comparison_would_notice_a_forgotten_column(connection: AsyncConnection) -> None:
    declared = MetaData()
    for table in METADATA.sorted_tables:
        table.to_metadata(declared)
    declared.tables["mirror_person"].append_column(Column("forgotten", Text))
    (difference,) = await connection.run_sync(migrations.differences, declared)
    assert isinstance(difference, tuple)
    assert difference[0] == "add_column"


def test_every_table_says_how_long_it_keeps_what() -> None:
    assert {(table.comment or "").partition(":")[0] for table in METADATA.sorted_tables} == {"retention"}
