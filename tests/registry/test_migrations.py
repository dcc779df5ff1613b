"""The frozen migrations make exactly the tables that `tables.py` declares."""

import asyncpg
from sqlalchemy import CheckConstraint, pool
from sqlalchemy.ext.asyncio import create_async_engine

from services.chassis.migrations import differences
from services.registry.tables import METADATA
from tests.conftest import Database
from tests.looking import as_service


async def test_migrations_and_tables_agree(registry_database: Database) -> None:
    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(as_service(registry_database.owner_url))

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda sync: differences(sync, METADATA)) == []
    await engine.dispose()


async def test_every_check_and_comment_of_the_tables_is_in_the_database(registry_database: Database) -> None:
    connection = await asyncpg.connect(as_service(registry_database.owner_url))
    try:
        for table in METADATA.sorted_tables:
            rows = await connection.fetch(
                "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass($1) AND contype = 'c'", table.name
            )
            declared = {
                f"ck_{table.name}_{constraint.name}"
                for constraint in table.constraints
                if isinstance(constraint, CheckConstraint)
            }
            assert {row["conname"] for row in rows} == {name.replace(f"ck_{table.name}_ck_", "ck_") for name in declared}
            comment = await connection.fetchval("SELECT obj_description(to_regclass($1))", table.name)
            assert comment == table.comment
            assert comment.startswith("retention: ")
    finally:
        await connection.close()


async def test_the_application_role_cannot_rewrite_evidence(registry_database: Database) -> None:
    connection = await asyncpg.connect(registry_database.application_url)
    try:
        for statement in (
            "DELETE FROM audit_line",
            "UPDATE history SET changed = '{}'",
            "DROP TABLE person",
            "CREATE TABLE other (a int)",
        ):
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
            raise AssertionError(statement)
    finally:
        await connection.close()
