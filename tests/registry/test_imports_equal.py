"""An import is a sequence of single calls: the same states, holds, events, versions and evidence, whatever the roster."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from services.registry.app import DEFINITION
from services.registry.imports import decisions, residents
from tests.conftest import Database, MakeDatabase
from tests.registry.roster_model import Batch, SingleDoor, a_story, register_as_it_is
from tests.registry.rosters import Importer, importer_on
from tests.running import InsideKeys

_SEEDS = 4
_SEEDS_LONG = 40


@pytest.fixture(scope="module")
def databases(make_database: MakeDatabase) -> list[Database]:
    """One register for each door, and one where imports are rehearsed, which leaves evidence of its own."""
    return [make_database("registry", DEFINITION.migrations) for _ in range(3)]


@pytest.fixture(scope="module")
async def doors(
    databases: list[Database], key_file: Path, inside_keys: InsideKeys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Importer, SingleDoor]]:
    """Both doors, with the same keys."""
    async with AsyncExitStack() as stack:
        bulk, single = [
            await stack.enter_async_context(importer_on(one, key_file, inside_keys, tmp_path_factory.mktemp("door")))
            for one in databases[:2]
        ]
        yield bulk, SingleDoor(single)


@pytest.fixture(scope="module")
async def rehearsing(
    databases: list[Database], key_file: Path, inside_keys: InsideKeys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Importer]:
    """A bulk door by itself."""
    async with importer_on(databases[2], key_file, inside_keys, tmp_path_factory.mktemp("door")) as found:
        yield found


async def play(doors: tuple[Importer, SingleDoor], story: list[Batch]) -> None:
    """Bring the rosters through both doors and compare."""
    bulk, single = doors
    for batch in story:
        bulk.set_today(batch.day)
        ended = await bulk.run(batch.rows, division=batch.division)
        assert Counter(ended.counts) == await single.bring(batch), (batch, await bulk.refused(ended))
        assert [line["提示代码"] for line in await bulk.noted(ended)] == single.noted
    for one, other in zip(await register_as_it_is(bulk), await register_as_it_is(single.importer), strict=True):
        for part in one:
            assert one[part] == other[part], (story, part)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows to a transaction."""
    monkeypatch.setattr(residents, "CHUNK", 4)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("seed", range(_SEEDS))
async def test_an_import_is_a_sequence_of_single_calls(doors: tuple[Importer, SingleDoor], seed: int) -> None:
    await play(doors, a_story(seed))


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("seed", range(200, 200 + _SEEDS))
async def test_a_dry_run_tells_what_the_import_will_do(rehearsing: Importer, seed: int) -> None:
    """Whatever part of the file a person comes again in."""
    for batch in a_story(seed, batches=2, rows=12):
        rehearsing.set_today(batch.day)
        rehearsed = await rehearsing.run(batch.rows, division=batch.division, dry_run=True)
        done = await rehearsing.run(batch.rows, division=batch.division)
        assert rehearsed.counts == done.counts, batch
        assert await rehearsing.refused(rehearsed) == await rehearsing.refused(done)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", [1, 4, 1000])
async def test_an_import_is_a_sequence_of_single_calls_for_long(
    doors: tuple[Importer, SingleDoor], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residents, "CHUNK", chunk)
    for seed in range(_SEEDS_LONG):
        await play(doors, a_story(1000 * chunk + seed, batches=4, rows=12))


@pytest.mark.usefixtures("small_chunks")
async def test_a_wrong_decision_is_found(doors: tuple[Importer, SingleDoor], monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: rosters older than the register are believed."""
    monkeypatch.setattr(decisions, "_is_outdated", lambda *_: False)

    async def play_some() -> None:
        for seed in range(50, 60):
            await play(doors, a_story(seed))

    with pytest.raises(AssertionError):
        await play_some()
