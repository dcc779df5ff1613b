"""A coordinator's day as a table: taken, repeated or refused as a batch is, and never over what somebody else found."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.chassis.errors import DomainError
from services.chassis.long_work.rows import OperationState
from services.registry.actions.field_work.assignments import assign_coordinator
from services.registry.actions.field_work.visits import hand_in_visits
from services.registry.actions.homes.landlords import register_landlord
from services.registry.actions.homes.premises import register_premises
from services.registry.app import DEFINITION
from services.registry.imports.field_visits import VisitList
from services.registry.schemas.field_work.assignments import AssignmentEntry
from services.registry.schemas.field_work.visits import VisitBatch
from services.registry.schemas.homes.landlords import LandlordRegistration
from services.registry.schemas.homes.premises import PremisesRegistration
from tests.conftest import Database, MakeDatabase
from tests.registry.factories import a_home, a_landlord, citizen_number
from tests.registry.roster_model import Row, parsed
from tests.registry.rosters import TODAY, Importer, a_row, importer_on
from tests.running import InsideKeys

TOWN = "330282107"
_NUMBERS = tuple(citizen_number(birth_date=date(1986, 1, 1 + place)) for place in range(3))
_ADDRESS = "陈家村西路7号"


@pytest.fixture(scope="module")
def databases(make_database: MakeDatabase) -> list[Database]:
    """One register for each door, and one for everything else."""
    return [make_database("registry", DEFINITION.migrations) for _ in range(3)]


@pytest.fixture(scope="module")
async def importers(
    databases: list[Database], key_file: Path, inside_keys: InsideKeys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[Importer]]:
    """On each of them one: the same residents, the same home, the same coordinator."""
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(importer_on(one, key_file, inside_keys, tmp_path_factory.mktemp("door")))
            for one in databases
        ]
        for importer in made:
            importer.set_today(date(2026, 5, 1))
            await importer.run([a_row(证件号码=number) for number in _NUMBERS])
            importer.set_today(TODAY)
            await let(importer)
            await assigned(importer, TOWN)
        yield made


async def assigned(importer: Importer, division: str) -> None:
    """The importers' officer walks there."""
    body = parsed(AssignmentEntry, {"coordinator": "officer-1", "division_code": division, "valid_from": "2026-01-01"})
    with suppress(DomainError):  # already
        await importer.call(lambda work: assign_coordinator(work, body))


async def let(importer: Importer) -> UUID:
    """A registered home."""
    landlord = await importer.call(lambda work: register_landlord(work, parsed(LandlordRegistration, a_landlord())))
    body = parsed(PremisesRegistration, a_home(str(landlord.landlord_id), address=_ADDRESS))
    return (await importer.call(lambda work: register_premises(work, body))).premises_id


def a_visit(number: str = "", **given: str) -> dict[str, str]:
    """A row about a person who was met."""
    who = {"姓名": "王小明" if number else "", "证件号码": number, "走访地代码": TOWN, "房屋地址": ""}
    found = {"走访结果": "属实" if number else "未登记", "走访时间": "2026-05-30 10:00", "信息一致": "是" if number else ""}
    return who | found | {"实际地址": ""} | given


async def test_a_day_of_visits_goes_in(importers: list[Importer]) -> None:
    importer = importers[2]
    rows = [
        a_visit(_NUMBERS[0]),
        a_visit(_NUMBERS[1], 走访结果="已搬离", 信息一致=""),
        a_visit(房屋地址=_ADDRESS, 走访结果="未见到"),
        a_visit(实际地址="陈家村北路3号"),
        a_visit(citizen_number(), 走访结果="未登记", 信息一致=""),
        a_visit(_NUMBERS[2], 走访结果="未登记", 信息一致=""),
    ]
    assert (await importer.run(rows, kind="field_visits")).counts == {"stored": 5, "stored_with_conflict": 1}
    kept = await importer.rows("SELECT subject, outcome, person_id IS NULL, premises_id IS NULL, coordinator FROM field_visit")
    assert Counter(map(tuple, kept)) == Counter(
        [
            ("person", "found", False, True, "officer-1"),
            ("person", "moved", False, True, "officer-1"),
            ("home", "not_found", True, False, "officer-1"),
            ("home", "found_not_registered", True, True, "officer-1"),
            ("person", "found_not_registered", True, True, "officer-1"),
            ("person", "found_not_registered", False, True, "officer-1"),
        ]
    )
    conflicts = await importer.rows("SELECT kind, status FROM field_visit_conflict")
    assert [tuple(row) for row in conflicts] == [("registered_after_all", "open")]
    assert (await importer.run(rows, kind="field_visits")).counts == {"repeated": 6}, "the same again"

    rows[0] |= {"信息一致": "否"}
    corrected = await importer.run(rows, kind="field_visits")
    assert corrected.counts == {"repeated": 5, "refused": 1}, "what was found is not written over"
    (line,) = await importer.refused(corrected)
    assert (line["错误列"], line["错误代码"]) == ("走访时间", "visit_id_taken")


async def test_what_is_refused_says_why(importers: list[Importer]) -> None:
    rows = [
        a_visit(_NUMBERS[0], 走访地代码="330281001"),
        a_visit(_NUMBERS[0], 走访地代码="330282108"),
        a_visit(_NUMBERS[0], 走访时间="2026-06-01 12:01"),
        a_visit(_NUMBERS[0], 走访时间="2026-01-02 10:00"),
        a_visit(_NUMBERS[0], 走访时间="上午"),
        a_visit(_NUMBERS[0], 姓名="李四"),
        a_visit(citizen_number()),
        a_visit(_NUMBERS[0], 信息一致="", 走访时间="2026-05-30 11:00"),
        a_visit(房屋地址="没有这条路1号", 走访结果="未见到"),
        a_visit(_NUMBERS[0], 走访结果="不知道"),
        a_visit(_NUMBERS[0], 登记版本="9" * 5000),
    ]
    ended = await importers[2].run(rows, kind="field_visits")
    assert ended.counts == {"refused": len(rows)}
    assert [(line["错误列"], line["错误代码"]) for line in await importers[2].refused(ended)] == [
        ("走访地代码", "out_of_scope"),
        ("走访地代码", "not_assigned"),
        ("走访时间", "in_future"),
        ("走访时间", "visit_too_old"),
        ("走访时间", "instant"),
        ("姓名", "another_name"),
        ("证件号码", "not_registered"),
        ("信息一致", "data_matches_unclear"),
        ("房屋地址", "home_not_registered"),
        ("走访结果", "enum"),
        ("登记版本", "number"),
    ]


async def test_on_a_day_without_rules_it_fails_and_says_so(importers: list[Importer]) -> None:
    importers[2].set_today(date(2008, 1, 1))
    ended = await importers[2].run([a_visit(_NUMBERS[0])], kind="field_visits")
    importers[2].set_today(TODAY)
    assert (ended.state, ended.problem) == (OperationState.FAILED, "field-work-rules-not-held")


async def test_a_dry_run_sees_the_whole_file(importers: list[Importer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VisitList, "chunk", 1)
    row = a_visit(_NUMBERS[0], 走访时间="2026-05-29 09:00")
    rows = [row, row, row | {"信息一致": "否"}]
    before = await importers[2].rows("SELECT count(*) FROM field_visit")
    rehearsed = await importers[2].run(rows, kind="field_visits", dry_run=True)
    assert await importers[2].rows("SELECT count(*) FROM field_visit") == before
    assert rehearsed.counts == {"stored": 1, "repeated": 1, "refused": 1}
    assert (await importers[2].run(rows, kind="field_visits")).counts == rehearsed.counts


async def visits_as_they_are(importer: Importer) -> list[Any]:
    """Everything that is kept of visits, ids and instants of the system apart."""
    number = "(SELECT d.number_index FROM identity_document d WHERE d.person_id = v.person_id)"
    visits = await importer.rows(
        f"SELECT {number}, premises_id IS NULL, outcome, visited_at, was_registered, data_matches, seen_version, set_aside"
        " FROM field_visit v ORDER BY visited_at, 1, outcome"
    )
    conflicts = await importer.rows(
        f"SELECT {number}, v.visited_at, c.kind, c.current_version, c.status, c.other_visit_id IS NULL"
        " FROM field_visit_conflict c JOIN field_visit v USING (visit_id) ORDER BY 1, 2, 3"
    )
    handed_in = await importer.rows("SELECT count(*) FROM audit_line WHERE line::jsonb ->> 'operation' = 'hand_in'")
    return [list(map(tuple, rows)) for rows in (visits, conflicts, handed_in)]


@pytest.mark.parametrize("chunk", [2, 500])
async def test_a_day_is_a_sequence_of_single_calls(
    importers: list[Importer], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row handed in by itself, under the id the table's row gets; with another coordinator's visit in the way."""
    monkeypatch.setattr(VisitList, "chunk", chunk)
    bulk, single = importers[:2]
    minute = f"{10 + (chunk == 2)}:00"
    rows: list[Row] = [
        a_visit(_NUMBERS[0], 走访时间=f"2026-05-30 {minute}"),
        a_visit(_NUMBERS[0], 走访时间=f"2026-05-30 {minute}"),
        a_visit(_NUMBERS[1], 走访结果="未登记", 信息一致="", 走访时间=f"2026-05-30 {minute}"),
        a_visit(_NUMBERS[2], 走访结果="已搬离", 信息一致="", 走访时间=f"2026-05-31 {minute}"),
        a_visit(_NUMBERS[2], 走访结果="未见到", 信息一致="是", 走访时间=f"2026-05-31 {minute}"),
        a_visit(房屋地址=_ADDRESS, 走访结果="未见到", 走访时间=f"2026-05-31 {minute}"),
    ]
    ended = await bulk.run(rows, kind="field_visits")
    taken = await bulk.rows("SELECT visit_id, visited_at FROM field_visit ORDER BY visited_at")
    assert len(taken) >= 4
    assert Counter(ended.counts) == await brought_one_by_one(single, rows)
    assert await visits_as_they_are(bulk) == await visits_as_they_are(single)


async def brought_one_by_one(importer: Importer, rows: list[Row]) -> Counter[str]:
    """The same rows as batches of one."""
    importer.set_today(TODAY)
    outcomes: Counter[str] = Counter()
    codes = {"属实": "found", "未登记": "found_not_registered", "已搬离": "moved", "未见到": "not_found"}
    for row in rows:
        visit: dict[str, Any] = {
            "subject": "person" if row["证件号码"] else "home",
            "outcome": codes[row["走访结果"]],
            "visited_at": row["走访时间"].replace(" ", "T") + ":00+08:00",
            "division_code": row["走访地代码"],
        }
        if row["信息一致"]:
            visit["data_matches"] = row["信息一致"] == "是"
        subject = await subject_of(importer, row)
        visit |= subject
        visit["visit_id"] = str(UUID(int=abs(hash((row["走访时间"], str(subject)))) % (1 << 128)))
        body = parsed(VisitBatch, {"visits": [visit]})
        (result,) = (await importer.call(lambda work, body=body: hand_in_visits(work, body))).results  # type: ignore[misc]
        conflicting = result.result == "stored" and result.conflicts
        outcomes["stored_with_conflict" if conflicting else str(result.result)] += 1
    return outcomes


async def subject_of(importer: Importer, row: Row) -> dict[str, str]:
    """The id a device would have."""
    if not row["证件号码"]:
        (home,) = await importer.rows("SELECT premises_id FROM premises")
        return {"premises_id": str(home[0])}
    place = _NUMBERS.index(row["证件号码"])
    (born,) = await importer.rows("SELECT person_id FROM person WHERE birth_date = $1", date(1986, 1, 1 + place))
    return {"person_id": str(born[0])}
