"""A landlord's list of guests: what each row does, and that a list is a sequence of check-ins and check-outs."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.chassis.clock import LAW_ZONE
from services.chassis.errors import DomainError
from services.chassis.work import Work
from services.registry.actions.homes.landlords import register_landlord
from services.registry.actions.homes.premises import register_premises
from services.registry.actions.homes.stays import check_in, check_out
from services.registry.actions.person_reading import resolve_person
from services.registry.app import DEFINITION
from services.registry.imports import stays
from services.registry.imports.stays import GuestList
from services.registry.schemas.homes.landlords import LandlordRegistration
from services.registry.schemas.homes.premises import PremisesRegistration
from services.registry.schemas.homes.stays import CheckIn, CheckOut
from services.registry.schemas.persons import PersonResolution
from services.registry.store.homes import stays as store
from tests.conftest import Database, MakeDatabase
from tests.registry.factories import a_home, a_landlord, a_room, citizen_number
from tests.registry.roster_model import Batch, Row, parsed, register_as_it_is
from tests.registry.rosters import TODAY, Importer, a_row, importer_on
from tests.running import InsideKeys

_SEEDS = 4
_SEEDS_LONG = 60
_HOMES = {"陈家村南路1号": "330282107", "新浦村南路2号": "330282108"}
_HERE, _THERE = _HOMES


@pytest.fixture(scope="module")
def databases(make_database: MakeDatabase) -> list[Database]:
    """One register for each door, and one for everything else."""
    return [make_database("registry", DEFINITION.migrations) for _ in range(3)]


@pytest.fixture(scope="module")
async def importers(
    databases: list[Database], key_file: Path, inside_keys: InsideKeys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[Importer]]:
    """On each of them one, with the same homes in two towns."""
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(importer_on(one, key_file, inside_keys, tmp_path_factory.mktemp("door")))
            for one in databases
        ]
        for importer in made:
            for address, division in _HOMES.items():
                await let(importer, address, division)
        yield made


@pytest.fixture
def importer(importers: list[Importer]) -> Importer:
    """For what is not compared."""
    importers[2].set_today(TODAY)
    return importers[2]


async def let(importer: Importer, address: str, division: str) -> None:
    """A home with two rooms to let and a kitchen."""
    landlord = await importer.call(
        lambda work: register_landlord(work, parsed(LandlordRegistration, a_landlord(division_code=division)))
    )
    rooms = [a_room(label="201"), a_room(label="202", beds=0), a_room(label="厨房", kind="kitchen", is_let=False, beds=0)]
    home = a_home(str(landlord.landlord_id), address=address, division_code=division, rooms=rooms)
    await importer.call(lambda work: register_premises(work, parsed(PremisesRegistration, home)))


async def residents(importer: Importer, count: int, division: str = "330282") -> list[str]:
    """Numbers of persons who are registered."""
    rows = [a_row() for _ in range(count)]
    assert (await importer.run(rows, division=division)).counts == {"entered": count}
    return [row["证件号码"] for row in rows]


def a_guest(number: str, **given: str) -> dict[str, str]:
    """A row about somebody who came."""
    place = {"房屋所在地代码": _HOMES[_HERE], "房屋地址": _HERE, "房间": "202", "床位": ""}
    stay = {"入住时间": "2026-05-30 14:30", "退房时间": ""}
    return {"姓名": "王小明", "证件号码": number} | place | stay | given


async def test_guests_come_and_go(importer: Importer) -> None:
    one, two, three = await residents(importer, 3)
    rows = [a_guest(one, 房间="201", 床位="1"), a_guest(two), a_guest(three, 退房时间="2026/5/31 8:00")]
    assert (await importer.run(rows, kind="stays")).counts == {"checked_in": 2, "checked_out": 1}
    assert (await importer.run(rows, kind="stays")).counts == {"unchanged": 3}, "the same again"

    next_day = [
        a_guest(one, 房间="201", 入住时间="", 退房时间="2026-06-01 07:00"),
        a_guest(three, 房间="201", 床位="1", 入住时间="2026-06-01 09:00"),
        a_guest(two, 房屋所在地代码=_HOMES[_THERE], 房屋地址=_THERE, 入住时间="2026-06-01 10:00"),
    ]
    assert (await importer.run(next_day, kind="stays")).counts == {"checked_out": 1, "checked_in": 1, "moved": 1}
    assert (await importer.run(next_day, kind="stays")).counts == {"unchanged": 3}
    assert (await importer.run(rows, kind="stays")).counts == {"unchanged": 3}, "yesterday's list again"
    ends = await importer.rows("SELECT end_reason, count(*) FROM stay GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in ends] == [("checked_in_elsewhere", 1), ("checked_out", 2), (None, 2)]


async def test_what_is_refused_says_why(importer: Importer) -> None:
    number, other = await residents(importer, 2)
    await importer.run([a_guest(other, 房间="201", 床位="2", 入住时间="2026-05-30")], kind="stays")
    rows = [
        a_guest(citizen_number()),
        a_guest(number, 姓名="李四"),
        a_guest(number, 房屋所在地代码="330281001"),
        a_guest(number, 房屋地址="没有这条路1号"),
        a_guest(number, 房间="999"),
        a_guest(number, 房间="厨房"),
        a_guest(number, 房间="201", 床位="2"),
        a_guest(number, 房间="201", 床位="9"),
        a_guest(number, 入住时间="2026-06-01 12:01"),
        a_guest(number, 退房时间="2026-05-30 14:00"),
        a_guest(number, 入住时间=""),
        a_guest(number, 入住时间="", 退房时间="2026-05-31 09:00"),
        a_guest(number, 入住时间="下午"),
    ]
    ended = await importer.run(rows, kind="stays")
    assert ended.counts == {"refused": len(rows)}
    assert [(line["错误列"], line["错误代码"]) for line in await importer.refused(ended)] == [
        ("证件号码", "not_registered"),
        ("姓名", "another_name"),
        ("房屋所在地代码", "out_of_scope"),
        ("房屋地址", "premises_not_found"),
        ("房间", "room_not_found"),
        ("", "room-not-let"),
        ("", "bed-taken"),
        ("床位", "no_such_bed"),
        ("入住时间", "in_future"),
        ("退房时间", "too_early"),
        ("入住时间", "missing"),
        ("", "stay-not-found"),
        ("入住时间", "instant"),
    ]


async def test_a_dry_run_sees_the_whole_file(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuestList, "chunk", 1)
    one, two = await residents(importer, 2)
    rows = [
        a_guest(one, 房间="201", 床位="2", 入住时间="2026-05-31 10:00", 房屋地址=_THERE, 房屋所在地代码=_HOMES[_THERE]),
        a_guest(two, 房间="201", 床位="2", 入住时间="2026-05-31 11:00", 房屋地址=_THERE, 房屋所在地代码=_HOMES[_THERE]),
        a_guest(one, 房间="201", 入住时间="", 退房时间="2026-05-31 12:00", 房屋地址=_THERE, 房屋所在地代码=_HOMES[_THERE]),
        a_guest(two, 房间="201", 床位="2", 入住时间="2026-05-31 13:00", 房屋地址=_THERE, 房屋所在地代码=_HOMES[_THERE]),
    ]
    before = await importer.rows("SELECT (SELECT count(*) FROM stay), (SELECT count(*) FROM outbox)")
    rehearsed = await importer.run(rows, kind="stays", dry_run=True)
    assert await importer.rows("SELECT (SELECT count(*) FROM stay), (SELECT count(*) FROM outbox)") == before
    assert rehearsed.counts == {"checked_in": 2, "checked_out": 1, "refused": 1}
    assert (await importer.run(rows, kind="stays")).counts == rehearsed.counts


def a_story(seed: int, *, batches: int = 3, rows: int = 8) -> tuple[list[str], list[Batch]]:
    """Guests, and lists about them: they come, leave, do both, move, take each other's beds; some rows are wrong."""
    draw = random.Random(seed)
    numbers = [citizen_number(birth_date=date(1990, 1, 1 + place)) for place in range(4)]
    day, story = date(2026, 4, 10), []
    for _ in range(batches):
        day += timedelta(days=draw.choice((0, 1, 9)))
        division = draw.choice(("330282", "330282107", "330282108"))
        story.append(Batch(division, day, [_a_row(draw, numbers, day, division) for _ in range(rows)]))
    return numbers, story


def _a_row(draw: random.Random, numbers: list[str], day: date, division: str) -> Row:
    own = [address for address, town in _HOMES.items() if town.startswith(division)]
    address, room = draw.choice(own), draw.choice(("201", "201", "202"))
    came = datetime.combine(day, datetime.min.time()) - timedelta(hours=draw.choice((0, 2, 2, 30)))
    row = a_guest(
        draw.choice(numbers),
        房屋地址=address,
        房屋所在地代码=_HOMES[address],
        房间=room,
        床位=draw.choice(("1", "2")) if room == "201" else "",
        入住时间=f"{came:%Y-%m-%d %H:%M}",
    )
    if draw.random() < 0.4:
        row |= {"退房时间": f"{came + timedelta(hours=draw.choice((-1, 1, 2, 3))):%Y-%m-%d %H:%M}"}
        if draw.random() < 0.6:
            row |= {"入住时间": ""}
    if draw.random() < 0.15:
        name, value = draw.choice((("姓名", "李四"), ("房间", "999"), ("床位", "9"), ("房屋地址", "别处"), ("入住时间", "?")))
        row |= {name: value}
    return row


@dataclass(slots=True)
class SingleDoor:
    """The same lists, a call per fact; a number that was resolved in vain is not tried again in a file."""

    importer: Importer

    async def bring(self, batch: Batch) -> Counter[str]:
        """Every row by itself, in order."""
        self.importer.set_today(batch.day)
        tried: set[str] = set()
        return Counter([await self._row(batch.division, row, tried) for row in batch.rows])

    async def _row(self, division: str, row: Row, tried: set[str]) -> str:
        call = partial(self.importer.call, division=division)
        try:
            arrival, departure = _instant(row["入住时间"]), _instant(row["退房时间"])
            if arrival is None and departure is None:
                return "refused"
            person_id = await self._person(call, row, tried)
            room = await self._room(row)
            told = partial(self._told, person_id=person_id, room=room, row=row, arrival=arrival, departure=departure)
            return str(await call(told))
        except (DomainError, ValueError):
            return "refused"

    async def _room(self, row: Row) -> Any:
        """Every address of these tests is let once."""
        places = await self.importer.rows("SELECT premises_id, division_code FROM premises")
        (place,) = [one for one in places if one["division_code"] == row["房屋所在地代码"]]
        if _HOMES.get(row["房屋地址"]) != row["房屋所在地代码"]:
            raise ValueError
        rooms = await self.importer.rows(
            "SELECT room_id, premises_id FROM room WHERE premises_id = $1 AND label = $2", place["premises_id"], row["房间"]
        )
        if not rooms:
            raise ValueError
        return rooms[0]

    async def _person(self, call: Any, row: Row, tried: set[str]) -> UUID:
        number = row["证件号码"]
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        (found,) = await self.importer.rows("SELECT person_id FROM person WHERE birth_date = $1", born)

        async def is_seen(work: Work) -> bool:
            return bool(await work.tx.connection.fetchval("SELECT true FROM person WHERE person_id = $1", found[0]))

        if await call(is_seen):
            if row["姓名"] != "王小明":
                raise ValueError
            return UUID(str(found[0]))
        if number in tried:
            raise ValueError
        tried.add(number)
        body = parsed(PersonResolution, {"identity_document": {"type": "citizen_id", "number": number}, "name": row["姓名"]})
        person = await call(lambda work: resolve_person(work, body))
        tried.discard(number)
        return UUID(str(person.person_id))

    @staticmethod
    async def _told(
        work: Work, *, person_id: UUID, room: Any, row: Row, arrival: datetime | None, departure: datetime | None
    ) -> str:
        past = await work.tx.connection.fetch(
            "SELECT started_at, ended_at FROM stay WHERE person_id = $1 AND room_id = $2 AND ended_at IS NOT NULL",
            person_id,
            room["room_id"],
        )
        before = next(iter(await store.open_stays_of(work, person_id)), None)
        here = before if before is not None and before.room_id == room["room_id"] else None
        bed = int(row["床位"]) if row["床位"] else None
        same = [one for one in past if one["started_at"] == arrival]
        if arrival is None and any(one["ended_at"] == departure for one in past):
            return "unchanged"
        if same:
            if departure is None or any(one["ended_at"] == departure for one in same):
                return "unchanged"
            raise ValueError
        is_that = here is not None and here.started_at == arrival and bed in {None, here.bed}
        if is_that and departure is None:
            return "unchanged"
        outcome, stay_id = "checked_out", here.stay_id if here is not None else None
        if arrival is not None and not is_that:
            ids = {"person_id": str(person_id), "premises_id": str(room["premises_id"]), "room_id": str(room["room_id"])}
            body = ids | {"started_at": arrival.isoformat()} | ({"bed": bed} if bed is not None else {})
            stay_id = (await check_in(work, parsed(CheckIn, body))).stay_id
            outcome = "checked_in" if before is None else "moved"
        if departure is not None:
            if stay_id is None:
                raise ValueError
            await check_out(work, stay_id, parsed(CheckOut, {"ended_at": departure.isoformat(), "reason": "checked_out"}))
            outcome = "checked_out"
        return outcome


def _instant(text: str) -> datetime | None:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=LAW_ZONE) if text else None


async def play(doors: list[Importer], seed: int) -> None:
    """Bring the lists through both doors and compare."""
    bulk, single = doors[:2]
    numbers, story = a_story(seed)
    for importer in (bulk, single):
        importer.set_today(date(2026, 4, 1))
        await importer.run([a_row(证件号码=number, 入住日期="2026-03-01") for number in numbers[:2]], division="330282107")
        await importer.run([a_row(证件号码=number, 居住地代码="330282108") for number in numbers[2:]], division="330282108")
    for batch in story:
        bulk.set_today(batch.day)
        ended = await bulk.run(batch.rows, division=batch.division, kind="stays")
        assert Counter(ended.counts) == await SingleDoor(single).bring(batch), (batch, await bulk.refused(ended))
    for one, other in zip(await register_as_it_is(bulk), await register_as_it_is(single), strict=True):
        for part in one:
            assert one[part] == other[part], (story, part)
    for importer in (bulk, single):  # the next story is about the next four
        await importer.rows("UPDATE person SET birth_date = birth_date - 4000 WHERE birth_date >= '1990-01-01'")


@pytest.mark.parametrize("seed", range(_SEEDS))
async def test_a_list_is_a_sequence_of_single_calls(
    importers: list[Importer], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuestList, "chunk", 3)
    await play(importers, seed)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", [1, 3, 1000])
async def test_a_list_is_a_sequence_of_single_calls_for_long(
    importers: list[Importer], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuestList, "chunk", chunk)
    for seed in range(_SEEDS_LONG):
        await play(importers, 1000 * chunk + seed)


async def test_a_wrong_decision_is_found(importers: list[Importer], monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: what a list said before is forgotten."""
    monkeypatch.setattr(stays, "is_told_already", lambda *_: False)

    async def play_some() -> None:
        for seed in range(50, 60):
            await play(importers, seed)

    with pytest.raises(AssertionError):
        await play_some()
