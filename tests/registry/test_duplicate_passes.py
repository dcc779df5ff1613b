"""The pass over everybody finds what a naive comparison of every pair finds, once, whatever happens to its worker."""

import asyncio
import json
import random
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from uuid import UUID

import pytest

from services.chassis.db import Transaction, in_transaction
from services.chassis.long_work.rows import OperationRecord, OperationState, insert
from services.chassis.long_work.starter import environment
from services.chassis.long_work.worker import work_off
from services.chassis.rows import SERVICE
from services.registry.actions import duplicate_finding, duplicate_passes
from services.registry.actions.persons import register_person
from services.registry.app import DEFINITION
from services.registry.rules.duplicates import assess_likeness
from services.registry.schemas.persons import PersonRegistration
from services.registry.store.duplicates import Measure
from tests.conftest import Database, MakeDatabase
from tests.registry.case_files import law
from tests.registry.conftest import Office, expect
from tests.registry.duplicate_model import Told, likeness_of
from tests.registry.factories import citizen_number
from tests.registry.rosters import TODAY, Importer, a_row, importer_on
from tests.registry.test_duplicates import a_name, a_phone, listed, person_of
from tests.running import Caller, InsideKeys

_PARTS = 3 * duplicate_passes.SLICES
Pairs = dict[frozenset[UUID], int]


@pytest.fixture
def database(make_database: MakeDatabase) -> Database:
    """A register with nobody in it."""
    return make_database("registry", DEFINITION.migrations)


@pytest.fixture
async def importer(database: Database, key_file: Path, inside_keys: InsideKeys, tmp_path: Path) -> AsyncIterator[Importer]:
    """A worker's runtime on it."""
    async with importer_on(database, key_file, inside_keys, tmp_path) as made:
        yield made


async def enter(importer: Importer, told: Told, division: str = "330282") -> UUID:
    principal = importer.principal(division)

    async def body(tx: Transaction) -> UUID:
        work = importer.runtime.work(tx, principal)
        made = await register_person(work, PersonRegistration.model_validate_json(json.dumps(person_of(told))))
        await work.flush()
        return made.person_id

    return await in_transaction(importer.runtime.pool, body, rows=importer.runtime.rows_of(principal))


async def asked(importer: Importer, division: str = "330282") -> UUID:
    async def store(tx: Transaction) -> UUID:
        work = importer.runtime.work(tx, importer.principal(division))
        return await insert(work, duplicate_passes.KIND, {}, fingerprint=None, kept_until=TODAY + timedelta(days=30))

    return await in_transaction(importer.runtime.pool, store, rows=SERVICE)


async def passed(importer: Importer, division: str = "330282", operation_id: UUID | None = None) -> OperationRecord:
    """A pass that has ended."""
    operation_id = operation_id or await asked(importer, division)
    await work_off(importer.runtime, duplicate_passes.ACTS, operation_id)
    return await importer.state(operation_id)


async def pairs_in(importer: Importer) -> Pairs:
    rows = await importer.rows("SELECT person_id, related_person_id, score FROM duplicate_candidate WHERE score IS NOT NULL")
    return {frozenset({row["person_id"], row["related_person_id"]}): row["score"] for row in rows}


async def forget(importer: Importer) -> None:
    await importer.rows("DELETE FROM duplicate_candidate")


def expected(everybody: dict[UUID, Told]) -> Pairs:
    """Everybody with everybody else, naively."""
    found = {}
    for one, other in combinations(everybody, 2):
        likelihood = assess_likeness(likeness_of(everybody[one], everybody[other]), law().duplicates, TODAY)
        if likelihood.level is not None:
            found[frozenset({one, other})] = likelihood.score
    return found


@contextmanager
def measured(monkeypatch: pytest.MonkeyPatch, *, size_max: int = 10_000, per_person: int = 10_000) -> Iterator[None]:
    """Let nothing be too much, or something."""
    scores = duplicate_finding.measure_on(TODAY).scores
    for module in (duplicate_finding, duplicate_passes):
        monkeypatch.setattr(module, "measure_on", lambda _: Measure(scores, size_max, per_person))
    yield


def people(seed: int, count: int) -> list[Told]:
    """Few names, days, homes and phones, so that many are alike in some way."""
    draw = random.Random(seed)
    names = ("刘艳", "刘燕", "刘阳", "王伟", "王玮", "阿依古丽·买买提", "阿依古丽买买提")
    days = (date(1992, 11, 2), date(1992, 2, 11), date(1992, 11, 3), date(1991, 11, 2), date(1980, 5, 6))
    homes = ("360428", "411522", "360428", None)
    phones = ("13805740001", "13805740002", None)
    return [
        Told(
            draw.choice(names),
            draw.choice(days),
            draw.choice("12"),
            draw.choice(homes),
            draw.choice(phones),
            draw.random() < 0.4,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_a_pass_finds_what_a_naive_comparison_finds(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    with measured(monkeypatch):
        everybody = {await enter(importer, told): told for told in people(seed, 40)}
        truth = expected(everybody)
        assert truth
        assert await pairs_in(importer) == truth, "found as they came in"
        await forget(importer)
        ended = await passed(importer)
        assert await pairs_in(importer) == truth
        assert (ended.state, ended.done, ended.total) == (OperationState.SUCCEEDED, _PARTS, _PARTS)
        assert (ended.counts["found"], ended.counts["groups_passed_over"]) == (len(truth), 0)
        before = await importer.rows("SELECT * FROM duplicate_candidate ORDER BY candidate_id")
        again = await passed(importer)
        assert again.counts["found"] == 0
        assert await importer.rows("SELECT * FROM duplicate_candidate ORDER BY candidate_id") == before


async def test_a_pass_finds_nothing_of_an_alias(importer: Importer) -> None:
    one, other, third = [await enter(importer, told) for told in [_a_woman()] * 2 + [_a_woman()]]
    await forget(importer)
    await importer.rows(
        """INSERT INTO person_alias (merge_id, person_id, canonical_person_id, reason, merged_on, sealed, version)
        VALUES (gen_random_uuid(), $1, $2, 'changed_document', '2026-06-01', '', 1)""",
        other,
        one,
    )
    assert (await passed(importer)).counts["found"] == 1
    assert set(await pairs_in(importer)) == {frozenset({one, third})}


def _a_woman() -> Told:
    return Told("欧阳晓红", date(1988, 3, 5), "2", "341204", "13805740001", number=False)


async def test_a_pass_of_a_town_compares_its_own(importer: Importer) -> None:
    await enter(importer, _a_woman(), "330282107")
    await enter(importer, _a_woman(), "330282109")
    await forget(importer)
    for division in ("330282107", "330282109", "330281"):
        assert (await passed(importer, division)).counts["found"] == 0
    assert (await passed(importer, "330282")).counts["found"] == 1


async def test_who_is_restricted_is_compared_with_nobody(importer: Importer) -> None:
    one = await enter(importer, _a_woman())
    await importer.rows("UPDATE person_division SET is_restricted = true WHERE person_id = $1", one)
    await enter(importer, _a_woman())
    assert (await passed(importer)).counts["found"] == 0
    assert await pairs_in(importer) == {}


async def test_a_group_that_is_too_large_is_divided_and_what_is_still_too_large_is_told(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A factory's one phone, and among it two records of one woman, and four who agree in everything that is compared."""
    workers = [Told(name, date(1980, 1, 1 + day), "1", None, "13805740001", number=True) for day, name in enumerate("甲乙丙丁")]
    with measured(monkeypatch, size_max=3):
        for told in [Told(f"赵{told.name}", *list(told.__dict__.values())[1:]) for told in workers]:
            await enter(importer, told)
        twice = [await enter(importer, _a_woman()) for _ in range(2)]
        ended = await passed(importer)
        assert set(await pairs_in(importer)) == {frozenset(twice)}
        assert ended.counts["groups_passed_over"] == 0
        for _ in range(2):
            await enter(importer, _a_woman())
        ended = await passed(importer)
        assert ended.counts["groups_passed_over"] == 3, "by phone, by initials and birth, by name and home"


async def test_of_many_pairs_a_person_gets_the_best(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    with measured(monkeypatch, per_person=1):
        for told in [_a_woman()] * 4:
            await enter(importer, told)
        await forget(importer)
        assert (await passed(importer)).counts["found"] == 1
        assert (await passed(importer)).counts["found"] == 0


async def test_a_pass_that_is_cancelled_stops(importer: Importer) -> None:
    operation_id = await asked(importer)
    await importer.rows("UPDATE operation SET is_cancel_requested = true WHERE operation_id = $1", operation_id)
    ended = await passed(importer, operation_id=operation_id)
    assert (ended.state, ended.done) == (OperationState.CANCELLED, 0)


@pytest.mark.parametrize("crash_at", ["operation.acted:10", "operation.committed:10"])
async def test_a_pass_whose_worker_dies_goes_on(importer: Importer, crash_at: str) -> None:
    everybody = {await enter(importer, told): told for told in people(7, 12)}
    await forget(importer)
    await importer.rows("INSERT INTO sandbox_clock (offset_seconds) VALUES (0) ON CONFLICT DO NOTHING")
    operation_id = await asked(importer)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.registry", str(operation_id)),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(importer.runtime.settings.model_copy(update={"crash_at": crash_at})),
    )
    assert process.stderr is not None
    async with asyncio.timeout(90):
        told = await process.stderr.read()
        await process.wait()
    assert process.returncode == -signal.SIGKILL, told.decode()
    ended = await passed(importer, operation_id=operation_id)
    assert (ended.state, ended.done) == (OperationState.SUCCEEDED, _PARTS)
    assert await pairs_in(importer) == expected(everybody)
    assert ended.counts["found"] == len(expected(everybody))


async def test_a_roster_finds_them_too(importer: Importer) -> None:
    known = await enter(importer, Told("欧阳晓红", date(1988, 3, 5), "2", "341204", "13805740001", number=False))
    row = {
        "姓名": "欧阳晓红",
        "联系电话": "13805740001",
        "户籍地代码": "341204",
        "证件号码": citizen_number(birth_date=date(1988, 3, 5), male=False),
    }
    ended = await importer.run([a_row(**row), a_row()])
    assert ended.counts == {"entered": 2}
    ((pair, score),) = (await pairs_in(importer)).items()
    assert (known in pair, score) == (True, 135)


async def test_a_pass_is_asked_for_through_the_door(office: Office, cixi: Caller) -> None:
    told = Told(a_name(), date(1988, 3, 5), "2", "341204", a_phone(), number=False)
    first, _ = [expect(await cixi.post("/v1/persons", person_of(told)), 201)["person_id"] for _ in range(2)]
    await office.rows("DELETE FROM duplicate_candidate WHERE person_id = $1", first)
    answer = await cixi.post("/v1/duplicate-passes")
    operation = expect(answer, 202)
    assert answer.headers["location"] == f"/v1/registry/operations/{operation['operation_id']}"
    async with asyncio.timeout(60):
        while operation["state"] in {"accepted", "running"}:
            await asyncio.sleep(0.2)
            operation = expect(await cixi.get(f"/v1/registry/operations/{operation['operation_id']}"), 200)
    assert (operation["state"], operation["done"], operation["total"]) == ("succeeded", _PARTS, _PARTS)
    assert len(await listed(cixi, first)) == 1


def test_the_slices_are_all_digests() -> None:
    bounds = [duplicate_passes.slice_of(place) for place in range(duplicate_passes.SLICES)]
    assert (bounds[0][0], bounds[-1][1]) == (-(2**63), 2**63 - 1)
    assert all(before[1] + 1 == after[0] for before, after in pairwise(bounds))
