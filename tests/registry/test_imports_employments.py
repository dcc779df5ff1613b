"""Lists of who was taken on and who left: what each row does, and that a list is a sequence of single calls."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from services.chassis.errors import DomainError
from services.chassis.long_work.rows import OperationState
from services.chassis.work import Work
from services.registry.actions.employment.employers import register_employer
from services.registry.actions.employment.employments import end_employment, start_employment
from services.registry.actions.person_reading import resolve_person
from services.registry.app import DEFINITION
from services.registry.imports import employments
from services.registry.imports.employments import EmploymentList
from services.registry.rules.identity_number import DocumentType, normalised_number
from services.registry.rules.person_name import name_key
from services.registry.schemas.employment.employers import EmployerRegistration
from services.registry.schemas.employment.employments import EmploymentEnd, EmploymentStart
from services.registry.schemas.persons import PersonResolution
from services.registry.store.employment import employments as store
from services.registry.store.employment.employers import employer_of_code
from services.registry.store.persons import claim_documents, find_person, number_index
from tests.conftest import Database, MakeDatabase
from tests.registry.employers import an_employer, credit_code
from tests.registry.factories import citizen_number
from tests.registry.roster_model import Batch, Row, parsed, register_as_it_is
from tests.registry.rosters import TODAY, Importer, a_row, importer_on
from tests.running import InsideKeys

_SEEDS = 4
_SEEDS_LONG = 60
_CODES = (credit_code(), credit_code(), credit_code())
"""One employer here, one in another county, and one that is not registered."""


@pytest.fixture(scope="module")
def databases(make_database: MakeDatabase) -> list[Database]:
    """Three registers."""
    return [make_database("registry", DEFINITION.migrations) for _ in range(3)]


@pytest.fixture(scope="module")
async def importers(
    databases: list[Database], key_file: Path, inside_keys: InsideKeys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[Importer]]:
    """On each of them one, with the same keys and the same employers."""
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(importer_on(one, key_file, inside_keys, tmp_path_factory.mktemp("door")))
            for one in databases
        ]
        for importer in made:
            for code, division in zip(_CODES, ("330282104", "330281002"), strict=False):
                await employed_at(importer, code, division)
        yield made


@pytest.fixture
def doors(importers: list[Importer]) -> tuple[Importer, Importer]:
    """The bulk door and the single one, for what is compared."""
    return importers[0], importers[1]


@pytest.fixture
def importer(importers: list[Importer]) -> Importer:
    """For everything else."""
    importers[2].set_today(TODAY)
    return importers[2]


async def employed_at(importer: Importer, code: str, division: str) -> None:
    """An employer there."""
    body = parsed(EmployerRegistration, an_employer(credit_code=code, division_code=division))
    await importer.call(lambda work: register_employer(work, body), division=division[:6])


async def residents(importer: Importer, count: int, division: str = "330282") -> list[str]:
    """Numbers of persons who are registered."""
    rows = [a_row() for _ in range(count)]
    assert (await importer.run(rows, division=division)).counts == {"entered": count}
    return [row["证件号码"] for row in rows]


def a_worker(number: str, **given: str) -> dict[str, str]:
    """A row about somebody who was taken on."""
    hired = {"姓名": "王小明", "证件号码": number, "统一社会信用代码": _CODES[0], "职业": "6", "入职日期": "2026-05-28"}
    return hired | {"离职日期": "", "离职原因": ""} | given


async def test_who_was_taken_on_and_who_left(importer: Importer) -> None:
    here, there, gone = await residents(importer, 3)
    rows = [a_worker(here, 岗位="注塑工"), a_worker(there, 入职日期="2026-01-05"), a_worker(gone, 离职日期="2026-05-30")]
    assert (await importer.run(rows, kind="employments")).counts == {"started": 2, "ended": 1}
    assert (await importer.run(rows, kind="employments")).counts == {"unchanged": 3}, "the same again"

    left = [a_worker(there, 入职日期="", 离职日期="2026-06-01", 离职原因="合同到期")]
    assert (await importer.run(left, kind="employments")).counts == {"ended": 1}
    assert (await importer.run(left, kind="employments")).counts == {"unchanged": 1}
    told = await importer.rows(
        "SELECT started_on, start_reported_late, ended_on, end_reason, end_reported_late FROM employment ORDER BY started_on"
    )
    assert [tuple(row) for row in told] == [
        (date(2026, 1, 5), True, date(2026, 6, 1), "contract_expired", False),
        (date(2026, 5, 28), False, None, None, None),
        (date(2026, 5, 28), False, date(2026, 5, 30), "other", False),
    ]
    assert (await importer.run([a_worker(gone, 入职日期="2026-06-01")], kind="employments")).counts == {"started": 1}


async def test_what_is_refused_says_why(importer: Importer) -> None:
    (number,) = await residents(importer, 1)
    await importer.run([a_worker(number)], kind="employments")
    wrong = number[:17] + ("0" if number[17] != "0" else "1")
    rows = [
        a_worker(citizen_number()),
        a_worker(number, 姓名="李四"),
        a_worker(wrong),
        a_worker(number, 统一社会信用代码=_CODES[2]),
        a_worker(number, 入职日期="2026-05-29"),
        a_worker(number, 入职日期="", 离职日期=""),
        a_worker(number, 入职日期="", 离职日期="2026-05-31", 离职原因="recorded_in_error"),
        a_worker(number, 入职日期="", 离职日期="2026-06-02"),
        a_worker(number, 统一社会信用代码=_CODES[1], 职业="焊工"),
    ]
    ended = await importer.run(rows, kind="employments")
    assert ended.counts == {"refused": len(rows)}
    assert [(line["错误列"], line["错误代码"]) for line in await importer.refused(ended)] == [
        ("证件号码", "not_registered"),
        ("姓名", "another_name"),
        ("证件号码", "check_character"),
        ("统一社会信用代码", "employer_not_found"),
        ("入职日期", "works_there_already"),
        ("入职日期", "missing"),
        ("离职原因", "officers_finding"),
        ("离职日期", "in_future"),
        ("职业", "string_pattern_mismatch"),
    ]


async def test_a_file_without_the_employer_fails_and_says_so(importer: Importer) -> None:
    ended = await importer.run([{"姓名": "王小明", "证件号码": citizen_number()}], kind="employments")
    assert (ended.state, ended.problem) == (OperationState.FAILED, "import-columns")
    assert [(error["pointer"], error["rule"]) for error in ended.result["errors"]] == [("/credit_code", "RR-14")]


async def test_a_dry_run_sees_the_whole_file(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmploymentList, "chunk", 1)
    (number,) = await residents(importer, 1)
    rows = [
        a_worker(number, 入职日期="2026-05-20"),
        a_worker(number, 入职日期="2026-05-20"),
        a_worker(number, 入职日期="", 离职日期="2026-05-25"),
        a_worker(number, 入职日期="2026-05-26"),
    ]
    before = await importer.rows("SELECT (SELECT count(*) FROM employment), (SELECT count(*) FROM outbox)")
    rehearsed = await importer.run(rows, kind="employments", dry_run=True)
    assert await importer.rows("SELECT (SELECT count(*) FROM employment), (SELECT count(*) FROM outbox)") == before
    assert rehearsed.counts == {"started": 2, "unchanged": 1, "ended": 1}
    assert (await importer.run(rows, kind="employments")).counts == rehearsed.counts


async def test_a_dry_run_that_tries_names_leaves_the_evidence(importer: Importer) -> None:
    (number,) = await residents(importer, 1)
    guess = [a_worker(number, 姓名="李四", 统一社会信用代码=_CODES[1])]
    await importer.run(guess, kind="employments", division="330206", dry_run=True)
    tried = (
        "SELECT line::jsonb ->> 'outcome' FROM audit_line WHERE line::jsonb ->> 'operation' = 'resolve'"
        " AND line::jsonb ->> 'client' = 'client-330206' ORDER BY audit_id"
    )
    assert [row[0] for row in await importer.rows(tried)] == ["not_found"]


async def test_of_somebody_out_of_sight_a_wrong_name_and_a_wrong_number_are_the_same(importer: Importer) -> None:
    (number,) = await residents(importer, 1)
    rows = [a_worker(number, 姓名="李四"), a_worker(citizen_number())]
    ended = await importer.run(rows, kind="employments", division="330281")
    assert [line["错误代码"] for line in await importer.refused(ended)] == ["not_registered", "not_registered"]


def a_story(seed: int, *, batches: int = 3, rows: int = 8) -> tuple[list[str], list[Batch]]:
    """Persons, and lists about them: started, ended, both, again, wrong, brought by offices near and far."""
    draw = random.Random(seed)
    numbers = [citizen_number(birth_date=date(1985, 1, 1 + place)) for place in range(4)]
    day, story = date(2026, 3, 10), []
    for _ in range(batches):
        day += timedelta(days=draw.choice((0, 2, 30)))
        lists = [_a_line(draw, numbers, day) for _ in range(rows)]
        story.append(Batch(draw.choice(("330282", "330282107", "330281")), day, lists))
    return numbers, story


def _a_line(draw: random.Random, numbers: Sequence[str], day: date) -> Row:
    started = day - timedelta(days=draw.choice((0, 1, 1, 5, 40)))
    ended = day - timedelta(days=draw.choice((0, 1, 3)))
    row = a_worker(draw.choice(numbers), 统一社会信用代码=draw.choice(_CODES[:2]), 入职日期=started.isoformat())
    if draw.random() < 0.4:
        row |= {"离职日期": ended.isoformat(), "离职原因": draw.choice(("", "辞职"))}
        if draw.random() < 0.6:
            row |= {"入职日期": ""}
    if draw.random() < 0.2:
        name, value = draw.choice(
            (
                ("姓名", "李四"),
                ("证件号码", citizen_number()),
                ("统一社会信用代码", _CODES[2]),
                ("职业", "9"),
                ("入职日期", (day + timedelta(days=1)).isoformat()),
                ("入职日期", "1980-01-01"),
                ("离职日期", (day + timedelta(days=1)).isoformat()),
            )
        )
        row |= {name: value}
    return row


@dataclass(slots=True)
class SingleDoor:
    """The same lists, a call per fact; `tried` are numbers of the present file resolved in vain."""

    importer: Importer
    tried: set[str] = field(default_factory=set)

    async def bring(self, batch: Batch) -> Counter[str]:
        """Every row by itself, in order."""
        self.importer.set_today(batch.day)
        self.tried.clear()
        return Counter([await self._row(batch.division, row) for row in batch.rows])

    async def _row(self, division: str, row: Row) -> str:
        call = partial(self.importer.call, division=division)
        try:
            hired, left = self._bodies(row)
            person_id = await self._person(call, row)
            return str(await call(partial(self._told, person_id=person_id, row=row, hired=hired, left=left)))
        except DomainError:
            return "refused"

    @staticmethod
    def _bodies(row: Row) -> tuple[EmploymentStart | None, EmploymentEnd | None]:
        fact = {"person_id": str(UUID(int=0)), "credit_code": row["统一社会信用代码"], "occupation_code": row["职业"]}
        hired = row["入职日期"] and parsed(EmploymentStart, fact | {"started_on": row["入职日期"]})
        reason = {"": "other", "辞职": "resigned"}[row["离职原因"]]
        left = row["离职日期"] and parsed(EmploymentEnd, {"ended_on": row["离职日期"], "reason": reason})
        if not hired and not left:
            raise DomainError("invalid-request")
        return hired or None, left or None

    async def _person(self, call: partial, row: Row) -> UUID:  # type: ignore[type-arg]
        number = normalised_number(DocumentType.CITIZEN_ID, row["证件号码"])

        async def seen(work: Work) -> UUID | None:
            index = number_index(work.keyring, DocumentType.CITIZEN_ID, number)
            owners = await claim_documents(work, [index])
            if index not in owners:
                raise DomainError("invalid-request")
            (owner,) = owners[index]
            if owner is not None:
                person = await find_person(work, owner)
                if person is None or name_key(person.record.name) != name_key(row["姓名"]):
                    raise DomainError("invalid-request")
            return owner

        if (owner := await call(seen)) is not None:
            return UUID(str(owner))
        if number in self.tried:
            raise DomainError("person-unresolved")
        self.tried.add(number)
        document = {"type": "citizen_id", "number": row["证件号码"]}
        body = parsed(PersonResolution, {"identity_document": document, "name": row["姓名"]})
        found = await call(lambda work: resolve_person(work, body))
        self.tried.discard(number)
        return UUID(str(found.person_id))

    @staticmethod
    async def _told(  # noqa: C901 - the table of the kind, spelled out
        work: Work, *, person_id: UUID, row: Row, hired: EmploymentStart | None, left: EmploymentEnd | None
    ) -> str:
        employer = await employer_of_code(work, row["统一社会信用代码"])
        if employer is None:
            raise DomainError("employer-not-found")
        found = await store.employments_of_person(work, person_id, before=None, limit=100)
        seen = [store.employment_of(work.keyring, one) for one in found if one["employer_id"] == employer.employer_id]
        past = [one for one in seen if one.ended_on is not None]
        now = await store.open_employment_of(work, person_id, employer.employer_id)
        opened = next((one for one in seen if one.employment_id == now), None)
        if hired is None:
            assert left is not None
            if any(one.ended_on == left.ended_on for one in past):
                return "unchanged"
            if opened is None:
                raise DomainError("employment-not-found")
            await end_employment(work, opened.employment_id, left)
            return "ended"
        same = [one for one in past if one.started_on == hired.started_on]
        is_same_now = now is not None and (opened is None or opened.started_on == hired.started_on)
        if left is None:
            if same or is_same_now:
                return "unchanged"
            await start_employment(work, hired.model_copy(update={"person_id": person_id}))
            return "started"
        if same:
            if all(one.ended_on != left.ended_on for one in same):
                raise DomainError("invalid-request")
            return "unchanged"
        if now is None:
            now = (await start_employment(work, hired.model_copy(update={"person_id": person_id}))).employment_id
        elif opened is None or not is_same_now:
            raise DomainError("employment-exists")
        await end_employment(work, now, left)
        return "ended"


async def play(doors: tuple[Importer, Importer], seed: int) -> None:
    """Bring the lists through both doors and compare."""
    bulk, single = doors
    numbers, story = a_story(seed)
    registered = [a_row(证件号码=number, 入住日期="2026-03-01") for number in numbers]
    for importer in doors:
        importer.set_today(date(2026, 3, 9))
        await importer.run(registered[:2], division="330282107")
        elsewhere = [row | {"居住地代码": "330282108"} for row in registered[2:]]
        await importer.run(elsewhere, division="330282108")
    for batch in story:
        bulk.set_today(batch.day)
        ended = await bulk.run(batch.rows, division=batch.division, kind="employments")
        assert Counter(ended.counts) == await SingleDoor(single).bring(batch), (batch, await bulk.refused(ended))
    for one, other in zip(await register_as_it_is(bulk), await register_as_it_is(single), strict=True):
        for part in one:
            assert one[part] == other[part], (story, part)


@pytest.mark.parametrize("seed", range(_SEEDS))
async def test_a_list_is_a_sequence_of_single_calls(
    doors: tuple[Importer, Importer], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmploymentList, "chunk", 3)
    await play(doors, seed)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", [1, 3, 1000])
async def test_a_list_is_a_sequence_of_single_calls_for_long(
    doors: tuple[Importer, Importer], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmploymentList, "chunk", chunk)
    for seed in range(_SEEDS_LONG):
        await play(doors, 1000 * chunk + seed)


async def test_a_wrong_decision_is_found(doors: tuple[Importer, Importer], monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: what a list said before is forgotten."""
    monkeypatch.setattr(employments, "is_told_already", lambda *_: False)

    async def play_some() -> None:
        for seed in range(50, 60):
            await play(doors, seed)

    with pytest.raises(AssertionError):
        await play_some()
