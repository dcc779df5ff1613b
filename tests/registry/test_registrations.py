"""Residence registrations: who, where, since when; moves, changes of address, ends; one current per person whatever races."""

import asyncio
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import a_person, a_residence, citizen_number
from tests.running import Caller

PATH = "/v1/residence-registrations"


def pointers(problem: dict[str, Any]) -> set[str]:
    return {error["pointer"] for error in problem["errors"]}


async def test_the_half_year_runs_from_the_day_of_registration(office: Office, resident: Resident) -> None:
    await resident.register_person()
    with office.on(date(2023, 3, 15)):
        body = a_residence(resident.person_id, started_on="2022-01-01")
        answer = await resident.caller.post(PATH, body)
        made = expect(answer, 201)
        read = expect(await resident.caller.get(answer.headers["location"]), 200)
    assert (made["status"], made["registered_on"], made["residence_since"]) == ("current", "2023-03-15", "2023-03-15")
    assert (read["address"], read["version"]) == ("陈家村东路12号201室", 1)
    event = (await office.events_about(resident.person_id))[-1]
    assert event["event_type"] == "registry.residence_registration.registered.v1"
    assert "陈家村" not in str(event["data"])


@pytest.mark.parametrize(
    ("given", "pointer", "rule"),
    [
        ({"started_on": "2023-03-16"}, "/started_on", "RR-10"),
        ({"started_on": "1950-01-01"}, "/started_on", None),
        ({"expected_end_on": "2023-01-01", "started_on": "2023-02-01"}, "/expected_end_on", None),
        ({"division_code": "330282000000", "started_on": "2023-03-16"}, "/started_on", "RR-10"),
    ],
)
async def test_impossible_days_are_refused(
    office: Office, resident: Resident, given: dict[str, str], pointer: str, rule: str
) -> None:
    await resident.register_person()
    with office.on(date(2023, 3, 15)):
        problem = expect(
            await resident.caller.post(PATH, a_residence(resident.person_id, **{"started_on": "2023-03-01"} | given)), 422
        )
    assert pointers(problem) == {pointer}
    assert problem["errors"][0].get("rule") == rule


@pytest.mark.parametrize(
    ("division_code", "status"),
    [("330281001", 403), ("341204", 403), ("330200", 422), ("3302821", 422), ("330282000001", 422), ("330282107204", 201)],
)
async def test_only_places_in_the_clients_division_can_be_named(
    office: Office, resident: Resident, division_code: str, status: int
) -> None:
    await resident.register_person()
    body = a_residence(resident.person_id, division_code=division_code, started_on=office.today.isoformat())
    assert (await resident.caller.post(PATH, body)).status_code == status


async def test_under_16_the_guardian_registers(office: Office, resident: Resident, cixi: Caller) -> None:
    guardian = expect(await cixi.post("/v1/persons", a_person()), 201)["person_id"]
    await resident.register_person(number=citizen_number(birth_date=date(2015, 5, 5)))
    today = office.today.isoformat()
    problem = expect(await cixi.post(PATH, a_residence(resident.person_id, started_on=today)), 422)
    assert [(error["pointer"], error["rule"]) for error in problem["errors"]] == [("/reported_by", "RR-04")]
    body = a_residence(resident.person_id, started_on=today, reported_by="guardian", reporter_person_id=guardian)
    assert expect(await cixi.post(PATH, body), 201)["reporter_person_id"] == guardian


async def test_a_reporter_nobody_may_see_is_unknown(office: Office, resident: Resident) -> None:
    stranger = expect(await office.caller("330281").post("/v1/persons", a_person()), 201)["person_id"]
    await resident.register_person()
    body = a_residence(
        resident.person_id, started_on=office.today.isoformat(), reported_by="landlord", reporter_person_id=stranger
    )
    problem = expect(await resident.caller.post(PATH, body), 404)
    assert pointers(problem) == {"/reporter_person_id"}


async def test_what_the_law_does_not_ask_for_is_told_and_still_registered(office: Office, resident: Resident) -> None:
    await resident.register_person(hukou_division_code="330282")
    body = a_residence(resident.person_id, started_on=office.today.isoformat(), institution_stay="hospital")
    made = expect(await resident.caller.post(PATH, body), 201)
    assert {note["rule"] for note in made["notes"]} == {"RR-01", "RR-07"}


async def test_a_doubtful_division_is_a_note_and_no_rejection(office: Office, resident: Resident) -> None:
    await resident.register_person()
    day = date(2023, 3, 15)
    with office.on(day):
        body = a_residence(resident.person_id, started_on=day.isoformat(), division_code="330282999")
        made = expect(await resident.caller.post(PATH, body), 201)
        change = {"changed_on": day.isoformat(), "address": "工业路3号"}
        path = f"{PATH}/{made['registration_id']}/address-change"
        changed = expect(await resident.caller.post(path, change | {"division_code": "330282998"}), 200)
        clear = expect(await resident.caller.post(path, change | {"division_code": "330282107"}), 200)
    assert [[note["code"] for note in answer["notes"]] for answer in (made, changed, clear)] == [
        ["division_code_unknown"],
        ["division_code_unknown"],
        [],
    ]


async def test_the_same_town_again_points_to_the_address_change(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today)
    again = a_residence(resident.person_id, started_on=office.today.isoformat(), division_code="330282107204")
    problem = expect(await resident.caller.post(PATH, again), 409)
    assert problem["registration_id"] == resident.registration_id
    assert problem["address_change"] == f"{PATH}/{resident.registration_id}/address-change"


async def test_moving_between_towns_of_the_county_keeps_the_half_year_running(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    first = resident.registration_id
    await resident.register_residence(date(2023, 6, 1), division_code="330282109")
    moved = expect(await resident.caller.get(f"{PATH}/{first}"), 200)
    assert (moved["end_reason"], moved["ended_on"], moved["version"]) == ("moved_within_city", "2023-06-01", 2)
    current = expect(await resident.caller.get(f"{PATH}/{resident.registration_id}"), 200)
    assert (current["registered_on"], current["residence_since"]) == ("2023-06-01", "2023-03-15")
    of_person = expect(await resident.caller.get(f"/v1/persons/{resident.person_id}/residence-registrations"), 200)["items"]
    assert [item["registration_id"] for item in of_person] == [resident.registration_id, first]
    path = f"/v1/persons/{resident.person_id}/residence-registrations?limit=1"
    newest = expect(await resident.caller.get(path), 200)
    older = expect(await resident.caller.get(f"{path}&cursor={newest['next_cursor']}"), 200)
    assert [page["items"][0]["registration_id"] for page in (newest, older)] == [resident.registration_id, first]


@pytest.mark.parametrize(("back_on", "since"), [(date(2023, 6, 11), "2023-03-15"), (date(2023, 6, 12), "2023-06-12")])
async def test_a_short_gap_does_not_break_residence(office: Office, resident: Resident, back_on: date, since: str) -> None:
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    with office.on(date(2023, 6, 1)):
        expect(await resident.caller.post(f"{PATH}/{resident.registration_id}/end", {"reason": "left"}), 200)
    await resident.register_residence(back_on)
    assert expect(await resident.caller.get(f"{PATH}/{resident.registration_id}"), 200)["residence_since"] == since


async def test_a_registration_in_error_never_was(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    with office.on(date(2023, 6, 1)):
        body = {"reason": "recorded_in_error"}
        expect(await resident.caller.post(f"{PATH}/{resident.registration_id}/end", body), 200)
    await resident.register_residence(date(2023, 6, 2))
    assert expect(await resident.caller.get(f"{PATH}/{resident.registration_id}"), 200)["residence_since"] == "2023-06-02"


@pytest.mark.parametrize(("back_on", "since"), [(date(2023, 7, 11), "2023-03-15"), (date(2023, 7, 12), "2023-07-12")])
async def test_another_towns_error_costs_nobody_the_half_year(
    office: Office, resident: Resident, back_on: date, since: str
) -> None:
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    await resident.register_residence(date(2023, 6, 1), division_code="330282108")
    with office.on(date(2023, 7, 1)):
        body = {"reason": "recorded_in_error"}
        expect(await resident.caller.post(f"{PATH}/{resident.registration_id}/end", body), 200)
    await resident.register_residence(back_on)
    assert expect(await resident.caller.get(f"{PATH}/{resident.registration_id}"), 200)["residence_since"] == since


@pytest.mark.parametrize(("told_on", "late"), [(date(2023, 5, 20), False), (date(2023, 5, 21), True)])
async def test_a_change_of_address_is_told_within_ten_days(
    office: Office, resident: Resident, told_on: date, late: bool
) -> None:
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    change = {"changed_on": "2023-05-10", "division_code": "330282109", "address": "新街8号", "residence_kind": "owned"}
    with office.on(told_on):
        changed = expect(await resident.caller.post(f"{PATH}/{resident.registration_id}/address-change", change), 200)
    assert (changed["division_code"], changed["address"], changed["residence_kind"]) == ("330282109", "新街8号", "owned")
    assert (changed["reported_late"], changed["version"], changed["residence_since"]) == (late, 2, "2023-03-15")
    history = expect(await resident.caller.get(f"{PATH}/{resident.registration_id}/history"), 200)["items"]
    assert {"address", "division_code", "residence_kind", "changed_on"} <= set(history[0]["changed"])
    assert "新街" not in str(history)
    assert (await office.caller("330282109").get(f"/v1/persons/{resident.person_id}")).status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"changed_on": "2023-05-11"}, 422),
        ({"changed_on": "2023-03-14"}, 422),
        ({"division_code": "330281001"}, 403),
        ({"division_code": "33028"}, 422),
    ],
)
async def test_an_impossible_change_of_address_is_refused(
    office: Office, resident: Resident, change: dict[str, str], status: int
) -> None:
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    body = {"changed_on": "2023-05-01", "division_code": "330282109", "address": "新街8号"} | change
    with office.on(date(2023, 5, 10)):
        answer = await resident.caller.post(f"{PATH}/{resident.registration_id}/address-change", body)
    assert answer.status_code == status


async def test_rules_that_are_not_held_are_said_so(office: Office, resident: Resident) -> None:
    await resident.register_person()
    with office.on(date(2009, 9, 30)):
        body = a_residence(resident.person_id, started_on="2009-09-30")
        problem = expect(await resident.caller.post(PATH, body), 409)
    assert (problem["type"], problem["on"]) == ("urn:xinshimin:problem:registration-rules-not-held", "2009-09-30")
    await resident.register_residence(date(2009, 10, 1), started_on="2009-01-01")
    change = {"changed_on": "2009-02-01", "division_code": "330282107", "address": "掌起镇工业路3号"}
    with office.on(date(2009, 10, 2)):
        problem = expect(await resident.caller.post(f"{PATH}/{resident.registration_id}/address-change", change), 409)
    assert (problem["type"], problem["on"]) == ("urn:xinshimin:problem:registration-rules-not-held", "2009-02-01")


async def test_a_move_to_another_county_is_no_change_of_address(office: Office, resident: Resident) -> None:
    resident.caller = office.caller("330200")
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    body = {"changed_on": "2023-05-01", "division_code": "330281001", "address": "新街8号"}
    with office.on(date(2023, 5, 10)):
        problem = expect(await resident.caller.post(f"{PATH}/{resident.registration_id}/address-change", body), 422)
    assert pointers(problem) == {"/division_code"}


async def test_an_ended_registration_is_over(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(date(2023, 3, 15))
    path = f"{PATH}/{resident.registration_id}"
    with office.on(date(2023, 6, 1)):
        for wrong in ("2023-06-02", "2023-03-14"):
            body = {"ended_on": wrong, "reason": "left"}
            assert pointers(expect(await resident.caller.post(f"{path}/end", body), 422)) == {"/ended_on"}
        ended = expect(await resident.caller.post(f"{path}/end", {"ended_on": "2023-05-20", "reason": "left"}), 200)
        assert (ended["status"], ended["ended_on"], ended["end_reason"]) == ("ended", "2023-05-20", "left")
        assert (await resident.caller.post(f"{path}/end", {"reason": "left"})).status_code == 409
        change = {"changed_on": "2023-05-01", "division_code": "330282109", "address": "新街8号"}
        assert (await resident.caller.post(f"{path}/address-change", change)).status_code == 409


async def test_the_version_seen_is_honoured_on_acts(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today)
    path = f"{PATH}/{resident.registration_id}/end"
    stale = await resident.caller.post(path, {"reason": "left"}, headers={"if-match": '"2"'})
    assert stale.status_code == 412
    assert (await resident.caller.post(path, {"reason": "left"}, headers={"if-match": '"1"'})).status_code == 200


async def test_a_division_lists_its_own_page_by_page(office: Office) -> None:
    town = office.caller("330282405")
    made = []
    for number in range(5):
        person_id = expect(await town.post("/v1/persons", a_person()), 201)["person_id"]
        body = a_residence(person_id, division_code=f"33028240520{number % 2}", started_on=office.today.isoformat())
        made.append(expect(await town.post(PATH, body), 201)["registration_id"])
    expect(await town.post(f"{PATH}/{made[0]}/end", {"reason": "left"}), 200)

    async def listed(caller: Caller, query: str) -> list[str]:
        found, cursor = [], ""
        while True:
            page = expect(await caller.get(f"{PATH}?limit=2{query}{cursor}"), 200)
            found += [item["registration_id"] for item in page["items"]]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    assert await listed(town, "") == made
    assert await listed(town, "&status=current") == made[1:]
    assert await listed(office.caller("330282"), "&division_code=330282405201") == made[1::2]
    assert await listed(office.caller("330282405200"), "") == made[::2]
    outside = await town.get(f"{PATH}?division_code=330282109")
    assert outside.status_code == 403
    assert (await town.get(f"{PATH}?divison_code=330282120")).status_code == 422


async def test_many_towns_at_once_leave_one_current_registration(office: Office, resident: Resident) -> None:
    """All wait for one person's row, with more requests than connections: on a slow machine some find none in time. They are
    told to come back, and nothing of them is there.
    """
    await resident.register_person()
    today = office.today.isoformat()
    towns = ["330282107", "330282109", "330282110", "330282111"]

    async def registered_in(town: str) -> httpx.Response:
        while True:
            answer = await resident.caller.post(PATH, a_residence(resident.person_id, division_code=town, started_on=today))
            if answer.status_code != 503:
                return answer
            assert expect(answer, 503)["type"].endswith(":busy")
            await asyncio.sleep(float(answer.headers["retry-after"]))

    answers = await asyncio.gather(*(registered_in(towns[place % 4]) for place in range(24)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    rows = await office.rows("SELECT status FROM residence_registration WHERE person_id = $1", resident.person_id)
    made = sum(answer.status_code == 201 for answer in answers)
    assert len(rows) == made
    assert [row["status"] for row in rows].count("current") == 1
    events = await office.events_about(resident.person_id)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    open_ones: set[str] = set()
    for event in events[1:]:
        registration = event["data"]["registration_id"]
        if event["event_type"].endswith("registered.v1"):
            assert not open_ones
            open_ones.add(registration)
        else:
            open_ones.remove(registration)
    holds = await office.rows("SELECT count(*) FROM person_division WHERE person_id = $1 AND until IS NULL", resident.person_id)
    assert holds[0]["count"] == 1


async def test_a_started_day_long_ago_is_no_longer_residence(office: Office, resident: Resident) -> None:
    """Registered late: the stay is recorded from its beginning, the half year is not (RR-10)."""
    await resident.register_person()
    started = office.today - timedelta(days=900)
    await resident.register_residence(office.today, started_on=started.isoformat())
    made = expect(await resident.caller.get(f"{PATH}/{resident.registration_id}"), 200)
    assert (made["started_on"], made["residence_since"]) == (started.isoformat(), office.today.isoformat())
