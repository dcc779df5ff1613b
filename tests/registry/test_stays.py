"""Stays: check-in and check-out, one bed for one guest, one place for one person, over-crowding told and never a bar."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.chassis.parameters import History
from services.registry.actions.homes import premises_reading, stays
from services.registry.actions.law import LAW
from services.registry.rules.homes.capacity import CapacityParameters
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import EVERY_SCOPE, a_room
from tests.registry.homes import Home, enter_person, register_home
from tests.running import Caller

OUT = {"ended_at": "2026-06-01T08:00:00+08:00", "reason": "checked_out"}


@pytest.fixture(autouse=True)
def autumn(office: Office) -> Iterator[None]:
    """The law's day, a few months after the stays."""
    with office.on(date(2026, 11, 2)):
        yield


@pytest.fixture
async def home(cixi: Caller) -> Home:
    """A home with one room of two beds."""
    return await register_home(cixi)


async def test_a_guest_comes_and_goes(office: Office, cixi: Caller, home: Home) -> None:
    person = await enter_person(cixi)
    with office.on(date(2026, 5, 8)):
        made = await home.check_in(person, bed=1, manager_name="陈管家")
        assert (made["report_due_on"], made["reported_late"], made["notes"]) == ("2026-05-08", False, [])
        assert (await home.read())["guests"] == 1
        ((listed,), _) = expect(await cixi.get(f"{home.path}/stays"), 200).values()
        assert (listed["stay_id"], listed["bed"], listed["manager_name"]) == (made["stay_id"], 1, "陈管家")
    path = f"/v1/stays/{made['stay_id']}"
    expect(await cixi.post(f"{path}/check-out", OUT | {"ended_at": "2026-04-01T08:00:00+08:00"}), 422)
    ended = expect(await cixi.post(f"{path}/check-out", OUT), 200)
    assert (ended["end_reason"], ended["end_reported_late"], ended["version"]) == ("checked_out", True, 2)
    expect(await cixi.post(f"{path}/check-out", OUT), 409)
    assert expect(await cixi.get(f"{home.path}/stays"), 200)["items"] == []
    assert len(expect(await cixi.get(f"/v1/persons/{person}/stays"), 200)["items"]) == 1
    events = [row["event_type"] for row in await office.events_about(person)]
    assert events[1:] == ["registry.stay.started.v1", "registry.stay.ended.v1"]
    versions = expect(await cixi.get(f"{path}/history"), 200)["items"]
    assert [item["state"]["end_reason"] for item in versions] == ["checked_out", None]
    assert "陈管家" not in str(versions)


async def test_nobody_sleeps_in_anothers_bed(cixi: Caller, home: Home) -> None:
    people = [await enter_person(cixi) for _ in range(3)]
    body = {"premises_id": home.premises_id, "room_id": home.rooms[0]["room_id"], "bed": 1, "started_at": OUT["ended_at"]}
    raced = await asyncio.gather(*(cixi.post("/v1/stays", body | {"person_id": person}) for person in people))
    assert sorted(answer.status_code for answer in raced) == [201, 409, 409]
    assert {answer.json()["type"].rpartition(":")[2] for answer in raced if answer.status_code == 409} == {"bed-taken"}
    free = people[[answer.status_code for answer in raced].index(409)]
    assert (await home.check_in(free, status=422, bed=3))["errors"][0]["pointer"] == "/bed"
    await home.check_in(free)


async def test_a_check_in_elsewhere_ends_the_stay_before(office: Office, cixi: Caller, home: Home) -> None:
    person = await enter_person(cixi)
    first = await home.check_in(person, bed=1)
    beside = await register_home(cixi, division_code="330282109")
    early = await beside.check_in(person, status=422, started_at="2026-04-01T08:00:00+08:00")
    assert early["errors"][0]["pointer"] == "/started_at"
    second = await beside.check_in(person, started_at="2026-05-20T08:00:00+08:00")
    assert [note["code"] for note in second["notes"]] == ["earlier_stay_ended"]
    before = expect(await cixi.get(f"/v1/stays/{first['stay_id']}"), 200)
    assert (before["end_reason"], before["ended_at"][:10]) == ("checked_in_elsewhere", "2026-05-20")
    assert (await home.read())["guests"] == 0
    sequence = [row["event_type"].split(".")[2] for row in await office.events_about(person)]
    assert sequence == ["registered", "started", "ended", "started"]


async def test_another_town_ends_a_stay_it_cannot_see(office: Office, cixi: Caller, home: Home) -> None:
    resident = Resident(office, cixi)
    await resident.register_person()
    first = await home.check_in(resident.person_id)
    await resident.register_residence(office.today, division_code="330282109")
    town = office.caller("330282109")
    beside = await register_home(town, division_code="330282109")
    await beside.check_in(resident.person_id, started_at="2026-05-20T08:00:00+08:00")
    assert (await town.get(f"/v1/stays/{first['stay_id']}")).status_code == 404
    assert expect(await cixi.get(f"/v1/stays/{first['stay_id']}"), 200)["end_reason"] == "checked_in_elsewhere"
    stranger = office.caller("330282114")
    there = await register_home(stranger, division_code="330282114")
    assert (await there.check_in(resident.person_id, status=404))["errors"][0]["pointer"] == "/person_id"


async def test_in_a_concentrated_point_the_book_is_kept_per_bed(office: Office, cixi: Caller) -> None:
    rooms = [a_room(label=str(number), beds=4) for number in range(3)]
    point = await register_home(cixi, kind="concentrated_point", rooms=rooms)
    assert ((await point.read())["is_group_letting"], (await point.read())["beds"]) == (True, 12)
    person = await enter_person(cixi)
    assert (await point.check_in(person, status=422))["errors"][0]["rule"] == "RR-72"
    await point.check_in(person, bed=4)
    listed = expect(await cixi.get("/v1/premises?kind=concentrated_point&limit=200"), 200)["items"]
    found = next(item for item in listed if item["premises_id"] == point.premises_id)
    assert (found["beds"], found["guests"]) == (12, 1)
    tomorrow = (office.today + timedelta(days=1)).isoformat()
    assert (await point.check_in(person, status=422, bed=1, started_at=f"{tomorrow}T08:00:00+08:00"))["errors"]


async def test_without_a_standard_of_this_city_nothing_is_over_crowded(cixi: Caller, home: Home) -> None:
    for _ in range(3):
        assert (await home.check_in(await enter_person(cixi)))["notes"] == []
    seen = expect(await cixi.get(f"{home.path}/capacity"), 200)
    assert (seen["standard"], seen["is_over"], seen["guests"]) == (None, None, 3)
    assert (seen["rooms"][0]["persons_max"], seen["rooms"][0]["is_over"]) == (None, None)


async def test_by_the_standard_chosen_over_crowding_is_told_and_bars_nobody(
    cixi: Caller, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = CapacityParameters(History.constant("hangzhou-2016"), LAW.homes.capacity.standards)
    supposed = _law_with(chosen)
    monkeypatch.setattr(stays, "LAW", supposed)
    monkeypatch.setattr(premises_reading, "LAW", supposed)
    notes = [(await home.check_in(await enter_person(cixi)))["notes"] for _ in range(3)]
    assert [[note["rule"] for note in each] for each in notes] == [[], [], ["RR-68"]]
    seen = expect(await cixi.get(f"{home.path}/capacity"), 200)
    assert (seen["standard"]["source"], seen["standard"]["confidence"]) == ("HZ-287 杭州市租赁房屋管理规定", "S2")
    assert (seen["rooms"][0]["guests"], seen["rooms"][0]["persons_max"], seen["is_over"]) == (3, 2, True)


async def test_where_somebody_stays_is_shown_like_an_address(office: Office, cixi: Caller, home: Home) -> None:
    stay = await home.check_in(await enter_person(cixi), bed=1)
    plain = office.caller(scopes=EVERY_SCOPE - {"registry.field.sensitive"})
    seen = expect(await plain.get(f"/v1/stays/{stay['stay_id']}"), 200)
    assert (seen["premises_id"], seen["room_id"], seen["bed"]) == (None, None, None)


async def test_a_deleted_person_leaves_the_bed_and_the_history(office: Office, cixi: Caller, home: Home) -> None:
    person = await enter_person(cixi)
    stay = await home.check_in(person, bed=1)
    wish = {"reason": "consent_withdrawn", "legal_ground": "pipl_47_3"}
    proposal = expect(await cixi.post(f"/v1/persons/{person}/deletion", wish), 201)
    second = office.caller(actor="officer-0099")
    expect(await second.post(f"/v1/registry/proposals/{proposal['proposal_id']}/approve", {}), 200)
    assert (await cixi.get(f"/v1/stays/{stay['stay_id']}")).status_code == 404
    assert (await home.read())["guests"] == 0
    await home.check_in(await enter_person(cixi), bed=1)


def _law_with(capacity: CapacityParameters) -> object:
    return replace(LAW, homes=replace(LAW.homes, capacity=capacity))
