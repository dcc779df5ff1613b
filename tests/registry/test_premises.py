"""Homes that are let: landlords, letters, rooms, one home per address, who sees them."""

import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.chassis.db import Transaction, in_transaction
from services.chassis.events import EventData
from services.chassis.rows import SERVICE
from services.registry.store.snapshot import snapshot
from tests.registry.conftest import Office, expect
from tests.registry.factories import EVERY_SCOPE, a_home, a_landlord, a_room
from tests.registry.homes import enter_person, register_home
from tests.running import Caller

MARCH = date(2024, 3, 4)


def errors(problem: dict[str, Any]) -> set[tuple[str, str | None]]:
    return {(error["pointer"], error.get("rule")) for error in problem["errors"]}


async def test_a_home_is_registered_with_its_rooms_and_told(office: Office, cixi: Caller) -> None:
    with office.on(MARCH):
        home = await register_home(cixi, rooms=[a_room(), a_room(label="厨", kind="kitchen", beds=0, is_let=False)])
        seen = await home.read()
    assert (seen["let_rooms"], seen["beds"], seen["guests"], seen["is_group_letting"]) == (1, 2, 0, False)
    assert (seen["report_due_on"], seen["reported_late"]) == ("2024-03-06", False)
    (event,) = await office.events_about(home.premises_id)
    assert (event["event_type"], event["division_codes"]) == ("registry.premises.registered.v1", ["330282107"])
    assert "陈家村" not in str(event["data"])
    assert (await office.rows("SELECT sealed FROM premises WHERE premises_id = $1", home.premises_id))[0]["sealed"]


async def test_a_letting_told_late_is_registered_and_says_so(office: Office, cixi: Caller) -> None:
    with office.on(date(2024, 3, 7)):
        assert (await (await register_home(cixi)).read())["reported_late"] is True


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"rooms": [a_room(kind="balcony")]}, {("/rooms/0/is_let", "RR-66")}),
        ({"rooms": [a_room(), a_room()]}, {("/rooms/1/label", None)}),
        ({"let_from": "2024-03-05"}, {("/let_from", None)}),
    ],
)
async def test_what_may_not_be_let(
    office: Office, cixi: Caller, given: dict[str, Any], expected: set[tuple[str, str | None]]
) -> None:
    landlord = expect(await cixi.post("/v1/landlords", a_landlord()), 201)["landlord_id"]
    with office.on(MARCH):
        assert errors(expect(await cixi.post("/v1/premises", a_home(landlord, **given)), 422)) == expected


async def test_an_address_is_one_home_however_it_is_typed_and_in_any_race(cixi: Caller) -> None:
    home = await register_home(cixi, address="东路 77 号")
    again = [a_home(home.landlord_id, address=address) for address in ("东路77号", "东路７７号", " 东路77 号")]
    answers = await asyncio.gather(*(cixi.post("/v1/premises", body) for body in again))
    assert {answer.status_code for answer in answers} == {409}
    assert {answer.json()["premises_id"] for answer in answers} == {home.premises_id}
    fresh = a_home(home.landlord_id, address=f"北路{uuid4()}号")
    raced = await asyncio.gather(*(cixi.post("/v1/premises", fresh) for _ in range(4)))
    assert sorted(answer.status_code for answer in raced) == [201, 409, 409, 409]
    elsewhere = a_home(home.landlord_id, address="东路77号", division_code="330282109")
    assert (await cixi.post("/v1/premises", elsewhere)).status_code == 201


async def test_a_landlord_is_one_per_division(cixi: Caller) -> None:
    body = a_landlord()
    made = expect(await cixi.post("/v1/landlords", body), 201)
    raced = await asyncio.gather(*(cixi.post("/v1/landlords", body) for _ in range(3)))
    assert {answer.json()["landlord_id"] for answer in raced} == {made["landlord_id"]}
    expect(await cixi.post("/v1/landlords", body | {"division_code": "330282109"}), 201)
    person = await enter_person(cixi)
    of_register = {"kind": "person", "division_code": "330282107", "person_id": person}
    expect(await cixi.post("/v1/landlords", of_register), 201)
    assert expect(await cixi.post("/v1/landlords", of_register), 409)["type"].endswith("landlord-exists")
    unit = {"kind": "organisation", "division_code": "330282107", "organisation_name": "某某置业"}
    wrong = expect(await cixi.post("/v1/landlords", unit | {"credit_code": "91110000600037341N"}), 422)
    assert [(error["pointer"], error["code"]) for error in wrong["errors"]] == [("/credit_code", "credit_code_check")]
    unit["credit_code"] = "91110000600037341L"
    made = expect(await cixi.post("/v1/landlords", unit), 201)
    renamed = await cixi.patch(f"/v1/landlords/{made['landlord_id']}", {"organisation_name": "新某置业"}, version=1)
    assert expect(renamed, 200)["organisation_name"] == "新某置业"


@pytest.mark.parametrize(
    "given",
    [
        {"name": None},
        {"person_id": str(uuid4())},
        {"organisation_name": "某公司"},
        {"kind": "organisation"},
        {"number": "341204198808080051"},
    ],
)
async def test_a_landlord_is_said_one_way(cixi: Caller, given: dict[str, Any]) -> None:
    expect(await cixi.post("/v1/landlords", a_landlord(**given)), 422)


async def test_what_names_a_landlord_is_sealed_masked_and_in_no_history(office: Office, cixi: Caller) -> None:
    body = a_landlord(name="欧阳雪见")
    path = f"/v1/landlords/{expect(await cixi.post('/v1/landlords', body), 201)['landlord_id']}"
    assert expect(await cixi.get(path), 200)["number"] == body["number"]
    plain = office.caller(scopes=EVERY_SCOPE - {"registry.field.personal", "registry.field.sensitive"})
    seen = expect(await plain.get(path), 200)
    assert (seen["name"], seen["number"], seen["phone"]) == ("欧**", "****", None)
    assert seen["masked_fields"] == ["name", "number", "phone"]
    expect(await cixi.patch(path, {"phone": "13805740099"}, version=1), 200)
    assert expect(await cixi.patch(path, {"phone": None}, version=1), 412)
    rows = await office.rows("SELECT changed FROM history WHERE resource = 'landlord' AND resource_id = $1", path[14:])
    assert any("phone" in row["changed"] for row in rows)
    history = expect(await cixi.get(f"{path}/history"), 200)["items"]
    assert [(version["version"], "phone" in version["changed"]) for version in history] == [(2, True), (1, True)]
    assert "欧阳雪见" not in str(history)
    assert body["number"] not in str(history)
    expect(await office.caller("330282109").get(f"{path}/history"), 404)


async def test_a_letter_is_in_force_until_it_ends(office: Office, cixi: Caller) -> None:
    landlord = expect(await cixi.post("/v1/landlords", a_landlord()), 201)["landlord_id"]
    letter = {"landlord_id": landlord, "signed_on": "2024-01-05", "valid_until": "2025-01-05"}
    expect(await cixi.post("/v1/responsibility-letters", letter | {"valid_until": "2024-01-05"}), 422)
    with office.on(MARCH):
        made = expect(await cixi.post("/v1/responsibility-letters", letter), 201)
        path = f"/v1/responsibility-letters/{made['letter_id']}"
        assert made["is_in_force"]
        expect(await cixi.post(f"{path}/end", {"ended_on": "2024-03-05"}), 422)
        ended = expect(await cixi.post(f"{path}/end", {"ended_on": "2024-03-04"}), 200)
        assert not ended["is_in_force"]
        expect(await cixi.post(f"{path}/end", {"ended_on": "2024-03-04"}), 409)
    history = expect(await cixi.get(f"{path}/history"), 200)["items"]
    assert [version["state"]["ended_on"] for version in history] == ["2024-03-04", None]
    listed = expect(await cixi.get(f"/v1/landlords/{landlord}/responsibility-letters"), 200)["items"]
    assert [item["letter_id"] for item in listed] == [made["letter_id"]]


async def test_letters_of_one_landlord_at_once_wait_for_each_other(office: Office, cixi: Caller) -> None:
    """None of them dies of the other: a row that is to be locked is locked at once, not first shared."""
    landlord = expect(await cixi.post("/v1/landlords", a_landlord()), 201)["landlord_id"]
    letter = {"landlord_id": landlord, "signed_on": "2024-01-05", "valid_until": "2025-01-05"}
    with office.on(MARCH):
        for _ in range(5):
            made = await asyncio.gather(*(cixi.post("/v1/responsibility-letters", letter) for _ in range(6)))
            assert {each.status_code for each in made} == {201}


async def test_landlords_and_letters_are_told_in_order_and_in_the_snapshot(office: Office, cixi: Caller) -> None:
    landlord = expect(await cixi.post("/v1/landlords", a_landlord(name="欧阳雪见")), 201)["landlord_id"]
    expect(await cixi.patch(f"/v1/landlords/{landlord}", {"phone": "13805740098"}, version=1), 200)
    letter = {"landlord_id": landlord, "signed_on": "2024-01-05", "valid_until": "2025-01-05"}
    made = expect(await cixi.post("/v1/responsibility-letters", letter), 201)
    expect(await cixi.post(f"/v1/responsibility-letters/{made['letter_id']}/end", {"ended_on": "2024-03-04"}), 200)
    events = await office.rows(
        """SELECT event_type, division_codes, data::jsonb AS data FROM outbox WHERE partition_key = $1 ORDER BY sequence""",
        landlord,
    )
    assert [event["event_type"].removeprefix("registry.") for event in events] == [
        "landlord.registered.v1",
        "landlord.corrected.v1",
        "responsibility_letter.signed.v1",
        "responsibility_letter.ended.v1",
    ]
    assert {tuple(event["division_codes"]) for event in events} == {("330282107",)}
    assert not any(value in str(event["data"]) for event in events for value in ("欧阳雪见", "13805740098"))

    async def collect(tx: Transaction) -> list[EventData]:
        found = [states async for key, states in snapshot(tx, office.service.runtime.keyring) if str(key) == landlord]
        return [state for states in found for state in states]

    states = await in_transaction(office.service.runtime.pool, collect, rows=SERVICE)
    assert [state.model_dump(mode="json") for state in states] == [events[1]["data"], events[3]["data"]]


async def test_rooms_change_with_the_home_and_not_under_a_guest(cixi: Caller) -> None:
    home = await register_home(cixi)
    room = f"{home.path}/rooms/{home.rooms[0]['room_id']}"
    await home.check_in(await enter_person(cixi), bed=2)
    assert (await cixi.call("PUT", room, json=a_room(beds=1), headers={"if-match": '"1"'})).status_code == 409
    assert (await cixi.call("PUT", room, json=a_room(is_let=False), headers={"if-match": '"1"'})).status_code == 409
    changed = expect(await cixi.call("PUT", room, json=a_room(beds=3), headers={"if-match": '"1"'}), 200)
    assert (changed["beds"], changed["version"], changed["guests"]) == (3, 2, 1)
    added = expect(await cixi.post(f"{home.path}/rooms", a_room(label="202")), 201)
    assert added["version"] == 3
    expect(await cixi.post(f"{home.path}/rooms", a_room(label="202")), 422)
    history = expect(await cixi.get(f"{home.path}/history"), 200)["items"]
    assert [(item["version"], len(item["state"]["rooms"])) for item in history] == [(3, 2), (2, 1), (1, 1)]


async def test_a_home_ends_when_its_guests_have_left(office: Office, cixi: Caller) -> None:
    home = await register_home(cixi)
    stay = await home.check_in(await enter_person(cixi))
    assert expect(await cixi.post(f"{home.path}/end", {"reason": "letting_ended"}), 409)["guests"] == 1
    out = {"ended_at": "2026-06-01T08:00:00+08:00", "reason": "checked_out"}
    expect(await cixi.post(f"/v1/stays/{stay['stay_id']}/check-out", out), 200)
    ended = expect(await cixi.post(f"{home.path}/end", {"reason": "letting_ended"}), 200)
    assert (ended["status"], ended["ended_on"]) == ("ended", office.today.isoformat())
    expect(await cixi.patch(home.path, {"storeys": 3}, version=2), 409)
    events = await office.events_about(home.premises_id)
    assert [(row["event_type"].split(".")[2], row["sequence"]) for row in events] == [("registered", 1), ("ended", 2)]


async def test_homes_are_seen_and_changed_in_their_division_alone(office: Office, cixi: Caller) -> None:
    home = await register_home(cixi, division_code="330282107204")
    for division, status in (("330282107", 200), ("330282107204", 200), ("330282109", 404), ("330281", 404)):
        caller = office.caller(division)
        assert (await caller.get(home.path)).status_code == status
        assert (await caller.get(f"/v1/landlords/{home.landlord_id}")).status_code == status
        listed = expect(await caller.get("/v1/premises?limit=200"), 200)["items"]
        assert (home.premises_id in {item["premises_id"] for item in listed}) == (status == 200)
    beside = office.caller("330282109")
    assert (await beside.patch(home.path, {"storeys": 3}, version=1)).status_code == 404
    foreign = a_home(home.landlord_id, division_code="330282109")
    assert expect(await beside.post("/v1/premises", foreign), 404)["type"].endswith("landlord-not-found")
    wide = expect(await cixi.get(f"/v1/premises?landlord_id={home.landlord_id}&kind=rental_home&status=registered"), 200)
    assert [item["premises_id"] for item in wide["items"]] == [home.premises_id]
