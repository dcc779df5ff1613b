"""An old roster brings nobody back who left since; one of a later stay does."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.registry.actions.registrations import end_registration
from services.registry.app import DEFINITION
from services.registry.schemas.registrations import RegistrationEnd
from tests.conftest import Database, MakeDatabase
from tests.registry.rosters import Importer, a_row, as_csv, importer_on
from tests.running import InsideKeys

LEFT = RegistrationEnd.model_validate_json('{"reason": "left", "ended_on": "2026-05-31"}')
ERROR = RegistrationEnd.model_validate_json('{"reason": "recorded_in_error", "ended_on": "2026-05-31"}')


@pytest.fixture(scope="module")
def database(make_database: MakeDatabase) -> Database:
    """A register of the module's own."""
    return make_database("registry", DEFINITION.migrations)


@pytest.fixture(scope="module")
async def importer(
    database: Database, key_file: Path, inside_keys: InsideKeys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Importer]:
    """One for the module; tests use persons of their own."""
    async with importer_on(database, key_file, inside_keys, tmp_path_factory.mktemp("imports")) as found:
        yield found


async def counts_after(importer: Importer, end: RegistrationEnd, started_on: str) -> dict[str, int]:
    """Somebody of a roster ends; what a roster of September that says so much comes to."""
    row: dict[str, Any] = a_row(入住日期="2026-03-01")
    importer.set_today(date(2026, 3, 2))
    await importer.work_off(await importer.ask(as_csv([row])))
    (found,) = await importer.rows("SELECT registration_id FROM residence_registration ORDER BY created_at DESC LIMIT 1")
    importer.set_today(date(2026, 6, 1))
    await importer.call(lambda work: end_registration(work, found["registration_id"], end))
    importer.set_today(date(2026, 9, 1))
    done = await importer.work_off(await importer.ask(as_csv([row | {"入住日期": started_on}])))
    return dict(done.counts)


async def test_the_same_roster_registers_nobody_who_left(importer: Importer) -> None:
    assert await counts_after(importer, LEFT, "2026-03-01") == {"refused": 1}


async def test_who_comes_back_is_registered(importer: Importer) -> None:
    assert await counts_after(importer, LEFT, "2026-05-31") == {"registered": 1}


async def test_what_was_recorded_in_error_keeps_nobody_out(importer: Importer) -> None:
    assert await counts_after(importer, ERROR, "2026-03-01") == {"registered": 1}
