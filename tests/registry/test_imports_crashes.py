"""An importer that is killed, wherever, and goes on: nothing is lost or done twice, compared with one left in peace."""

import asyncio
import itertools
import random
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import pytest

from services.chassis.db import in_transaction
from services.chassis.long_work import rows as operations
from services.chassis.long_work.course import Course
from services.chassis.long_work.rows import OperationState, PartLostError
from services.chassis.long_work.starter import environment
from services.chassis.rows import SERVICE
from services.registry.app import DEFINITION
from services.registry.imports import residents
from services.registry.imports.employments import EmploymentList
from services.registry.imports.field_visits import VisitList
from services.registry.imports.stays import GuestList
from tests.conftest import Database, MakeDatabase
from tests.registry.crashing_worker import CHUNK
from tests.registry.employers import credit_code
from tests.registry.factories import citizen_number
from tests.registry.roster_model import a_story, register_as_it_is
from tests.registry.rosters import TODAY, Importer, a_row, as_csv, importer_on
from tests.registry.test_imports_employments import a_worker, employed_at
from tests.registry.test_imports_field_visits import a_visit, assigned, visits_as_they_are
from tests.registry.test_imports_stays import a_guest, let
from tests.running import InsideKeys

_ROWS = 24
_PLACES = itertools.count(1)
_POINTS = ("operation.acted", "operation.flushed", "operation.committed")


def crashes(count: int, parts: int = _ROWS // CHUNK) -> list[str]:
    """Where to die: at random, in the same places every time."""
    draw = random.Random(2026)
    anywhere = [f"{draw.choice(_POINTS)}:{draw.randint(1, parts)}" for _ in range(count - 1)]
    return ["operation.gathered", *anywhere]


@pytest.fixture(scope="module")
def databases(make_database: MakeDatabase) -> tuple[Database, Database]:
    """One register where importers die, one where none does."""
    return make_database("registry", DEFINITION.migrations), make_database("registry", DEFINITION.migrations)


@pytest.fixture(scope="module")
async def both(
    databases: tuple[Database, Database], key_file: Path, inside_keys: InsideKeys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Importer, Importer]]:
    """Both, with the same keys."""
    async with AsyncExitStack() as stack:
        dying, living = [
            await stack.enter_async_context(importer_on(one, key_file, inside_keys, tmp_path_factory.mktemp("crash")))
            for one in databases
        ]
        yield dying, living


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the process that dies has them."""
    monkeypatch.setattr(residents, "CHUNK", CHUNK)
    for book in (EmploymentList, GuestList, VisitList):
        monkeypatch.setattr(book, "chunk", CHUNK)


async def die(importer: Importer, operation_id: UUID, crash_at: str) -> None:
    """A worker of its own that kills itself there. Its law clock is the sandbox's, as the database keeps it."""
    offset = importer.runtime.law_clock.offset.total_seconds()
    await importer.rows("INSERT INTO sandbox_clock (offset_seconds) VALUES ($1) ON CONFLICT DO NOTHING", offset)
    await importer.rows("UPDATE sandbox_clock SET offset_seconds = $1", offset)
    settings = importer.runtime.settings.model_copy(update={"crash_at": crash_at})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.registry.crashing_worker",
        str(operation_id),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(settings),
    )
    assert process.stderr is not None
    async with asyncio.timeout(90):
        told = await process.stderr.read()
        await process.wait()
    assert process.returncode == -signal.SIGKILL, told.decode()


async def survive(both: tuple[Importer, Importer], seed: int, crash_at: Sequence[str]) -> None:
    """The same roster twice, one importer dying at each of the points and followed by another."""
    dying, living = both
    batch = a_story(seed, batches=1, rows=_ROWS)[0]
    for importer in both:
        importer.set_today(batch.day)
    operation_id = await dying.ask(as_csv(batch.rows), division=batch.division)
    for point in crash_at:
        await die(dying, operation_id, point)
    one = await dying.work_off(operation_id)
    other = await living.run(batch.rows, division=batch.division)
    assert (one.state, one.counts, one.done) == (OperationState.SUCCEEDED, other.counts, _ROWS)
    assert await dying.refused(one) == await living.refused(other)
    assert await register_as_it_is(dying) == await register_as_it_is(living)


@pytest.mark.parametrize("crash_at", crashes(2))
async def test_a_killed_import_goes_on(both: tuple[Importer, Importer], crash_at: str) -> None:
    await survive(both, hash_of(crash_at), [crash_at])


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("crash_at", crashes(10))
async def test_a_killed_import_goes_on_from_anywhere(both: tuple[Importer, Importer], crash_at: str) -> None:
    all_parts_done = crash_at in {"operation.gathered", f"operation.committed:{_ROWS // CHUNK}"}
    again = [] if all_parts_done else ["operation.acted:1"]
    await survive(both, 1000 + hash_of(crash_at), [crash_at, *again])


async def survive_as(both: tuple[Importer, Importer], kind: str, crash_at: Sequence[str], *, dry_run: bool = False) -> None:
    """A list of that kind about three parts' worth of residents; what is kept of it is compared."""
    numbers = [citizen_number() for _ in range(3 * CHUNK)]
    place, code = f"东路{next(_PLACES)}号", credit_code()
    for importer in both:
        importer.set_today(TODAY)
        await importer.run([a_row(证件号码=number, 入住日期="2026-03-01") for number in numbers])
        await let(importer, place, "330282107")
        await employed_at(importer, code, "330282104")
        await assigned(importer, "330282107")
    lists = {
        "employments": [a_worker(number, 统一社会信用代码=code) for number in numbers],
        "stays": [a_guest(number, 房屋地址=place, 房间="202") for number in numbers],
        "field_visits": [a_visit(number, 走访时间="2026-06-01 10:00") for number in numbers],
    }
    rows = [*lists[kind], {**lists[kind][0], "姓名": "李四"}, lists[kind][0]]
    dying, living = both
    operation_id = await dying.ask(as_csv(rows), kind=kind, dry_run=dry_run)
    for point in crash_at:
        await die(dying, operation_id, point)
    one, other = await dying.work_off(operation_id), await living.run(rows, kind=kind, dry_run=dry_run)
    assert (one.state, one.counts, one.done) == (OperationState.SUCCEEDED, other.counts, len(rows))
    assert {"refused", "unchanged"} <= {name.replace("repeated", "unchanged") for name in one.counts}
    assert await dying.refused(one) == await living.refused(other)
    assert await register_as_it_is(dying) == await register_as_it_is(living)
    assert await visits_as_they_are(dying) == await visits_as_they_are(living)


@pytest.mark.parametrize("kind", ["employments", "stays", "field_visits"])
async def test_a_killed_list_goes_on(both: tuple[Importer, Importer], kind: str) -> None:
    await survive_as(both, kind, ["operation.flushed:2"])


async def test_a_killed_dry_run_goes_on_and_still_sees_the_whole_file(both: tuple[Importer, Importer]) -> None:
    """The last row is the first one again, which only somebody who has looked at the first part can tell."""
    await survive_as(both, "employments", ["operation.committed:2"], dry_run=True)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["employments", "stays", "field_visits"])
async def test_a_killed_list_goes_on_from_anywhere(both: tuple[Importer, Importer], kind: str) -> None:
    for point in crashes(10, parts=4):
        await survive_as(both, kind, [point])


def hash_of(text: str) -> int:
    """A seed, the same in every process."""
    return sum(text.encode())


async def test_of_two_workers_one_goes_on(both: tuple[Importer, Importer]) -> None:
    """Two workers at the same operation: whoever comes second to a part leaves no trace of it."""
    _, importer = both
    importer.set_today(TODAY)
    rows = [a_row() for _ in range(3 * CHUNK)]
    operation_id = await importer.ask(as_csv(rows))
    results = await asyncio.gather(*(importer.work_off(operation_id) for _ in range(2)), return_exceptions=True)
    assert all(not isinstance(result, BaseException) or isinstance(result, PartLostError) for result in results), results
    ended = await importer.state(operation_id)
    assert (ended.state, ended.counts) == (OperationState.SUCCEEDED, {"entered": len(rows)})


async def test_a_cancelled_import_keeps_what_is_done(both: tuple[Importer, Importer], monkeypatch: pytest.MonkeyPatch) -> None:
    _, importer = both
    importer.set_today(TODAY)
    operation_id = await importer.ask(as_csv([a_row() for _ in range(3 * CHUNK)] + [a_row(姓名="")]))
    part = Course.part

    async def cancelling(course: Course, act: object) -> None:
        await part(course, act)  # type: ignore[arg-type]
        await in_transaction(importer.runtime.pool, lambda tx: operations.request_cancel(tx, operation_id), rows=SERVICE)

    monkeypatch.setattr(Course, "part", cancelling)
    ended = await importer.work_off(operation_id)
    assert (ended.state, ended.done, ended.counts) == (OperationState.CANCELLED, CHUNK, {"entered": CHUNK})
    assert (await importer.work_off(operation_id)).done == CHUNK, "what is over is over"
