"""How a command reaches one process's database, bus and code while the process itself runs elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, cast

import asyncpg
from pydantic import ValidationError

from services.chassis import bus as message_bus
from services.chassis.bus import Bus
from services.chassis.bus_errors import BusError
from services.chassis.db import Pool, create_pool
from services.chassis.errors import DomainError
from services.chassis.settings import DatabaseSettings
from services.suite import catalogue
from services.suite.environment import wrong_settings
from services.suite.exits import ExitCode, SuiteError

if TYPE_CHECKING:
    from services.chassis.settings import EvidenceSettings, ProcessSettings, ServiceSettings

Result = TypeVar("Result")
Settings = TypeVar("Settings", bound=DatabaseSettings)

_CLOSE_TIMEOUT_S = 5


def run(work: Coroutine[object, object, Result]) -> Result:
    """Run a command's work; what may go wrong outside us becomes a `SuiteError`."""
    try:
        return asyncio.run(work)
    except DomainError as error:
        fields = "".join(f"\n  {each.pointer}: {each.message_en}" for each in error.errors)
        raise SuiteError(ExitCode.FAILED, f"{error}{fields}") from None
    except BusError as error:
        raise SuiteError(ExitCode.FAILED, f"NATS: {error}") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise SuiteError(ExitCode.FAILED, f"The database cannot be used: {type(error).__name__}: {error}") from None


def settings_of(process: str) -> "ProcessSettings":
    """A process's settings from the environment; raises `SuiteError` saying how to give them."""
    return _from_environment(catalogue.process(process).settings)


def database_settings_of(process: str) -> DatabaseSettings:
    """Like `settings_of`, where only the database matters."""
    return _from_environment(lambda: DatabaseSettings.of(catalogue.process(process).name))


def _from_environment(read: Callable[[], Settings]) -> Settings:
    try:
        return read()
    except ValidationError as error:
        wrong = wrong_settings(error)
        hint = "No suite runs on this data folder (XINSHIMIN_DATA_DIR), so the environment must give the settings.\n"
        raise SuiteError(ExitCode.NOT_RUNNING, hint + wrong.message) from None


def service_settings_of(service: str) -> "ServiceSettings":
    """Like `settings_of`, for a service behind the gateway; raises `SuiteError` for the gateway itself."""
    catalogue.process(service).definition()
    return cast("ServiceSettings", settings_of(service))


def evidence_settings_of(process: str) -> "EvidenceSettings":
    """Like `settings_of`: every process keeps evidence, the gateway too."""
    return cast("EvidenceSettings", settings_of(process))


@asynccontextmanager
async def database(process: str, *, as_owner: bool = False) -> AsyncIterator[Pool]:
    """A small pool on the process's database, in the role it runs as or in the one that owns the tables."""
    settings = database_settings_of(process)
    url = settings.migration_url if as_owner and settings.migration_url else settings.database_url
    pool = await create_pool(url.get_secret_value(), size=2, command_timeout=60, application=f"xinshimin-cli-{process}")
    try:
        yield pool
    finally:
        await asyncio.wait_for(pool.close(), _CLOSE_TIMEOUT_S)


@asynccontextmanager
async def bus(process: str) -> AsyncIterator[Bus]:
    """The process's own connection to NATS, with its rights."""
    url = evidence_settings_of(process).nats_url.get_secret_value()
    connection = await message_bus.connect(url, name=f"{process}-cli", on_closed=lambda: None, inbox=f"_INBOX.{process}")
    try:
        yield connection
    finally:
        await connection.close()
