"""Before the processes start: every database at its newest revision, and in a sandbox the demo client."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import asyncpg
from pydantic import ValidationError

from services.chassis import migrations
from services.chassis.db import create_pool
from services.chassis.settings import DatabaseSettings
from services.suite import catalogue, demo
from services.suite.catalogue import Process
from services.suite.environment import wrong_settings
from services.suite.exits import ExitCode, SuiteError
from services.suite.first_calls import DemoClient


async def migrate(processes: Iterable[Process], report: Callable[[str, str], None]) -> None:
    """Bring the databases to their newest revision, reporting (process, revision); raises `SuiteError`."""
    for process in processes:
        try:
            settings = DatabaseSettings.of(process.name)
        except ValidationError as error:
            raise wrong_settings(error) from None
        application = settings.database_url.get_secret_value()
        owner = settings.migration_url.get_secret_value() if settings.migration_url else application
        try:
            revision = await migrations.upgrade(process.migrations, owner, application)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise SuiteError(
                ExitCode.MIGRATION_FAILED,
                f"The database of {process.name} could not be migrated: {type(error).__name__}: {error}",
            ) from error
        report(process.name, revision)


async def ensure_demo_client(file: Path, base_url: str) -> DemoClient:
    """The demo client, created in the gateway's database if need be."""
    settings = catalogue.process(catalogue.GATEWAY).settings()
    pool = await create_pool(
        settings.database_url.get_secret_value(),
        size=1,
        command_timeout=settings.command_timeout_s,
        application="xinshimin-demo",
    )
    try:
        return await demo.ensure_client(pool, file, base_url)
    finally:
        await asyncio.wait_for(pool.close(), 5)
