"""Employment: reports of starts and ends, late or not, who sees them, and what is told of them."""

import asyncio
from datetime import date

from services.chassis.db import in_transaction
from services.chassis.rows import SERVICE
from services.registry.store.snapshot import snapshot
from tests.registry.conftest import Office, Resident, expect
from tests.registry.employers import credit_code, registered, taken_on
from tests.registry.factories import a_person, a_residence

PATH = "/v1/employments"


async def test_a_start_and_an_end_are_told_in_time_or_late_with_the_day_due(office: Office, resident: Resident) -> None:
    await resident.register_person()
    employer = await registered(resident.caller)
    with office.on(date(2024, 3, 7)):
        made = await taken_on(resident.caller, resident.person_id, employer, "2024-03-04")
    path = f"{PATH}/{made['employment_id']}"
    with office.on(date(2024, 10, 11)):
        ended = expect(await resident.caller.post(f"{path}/end", {"ended_on": "2024-09-30", "reason": "resigned"}), 200)

    assert (made["start_due_on"], made["start_reported_on"], made["start_reported_late"]) == ("2024-03-07", "2024-03-07", False)
    assert (made["division_code"], made["industry_code"], made["position"]) == ("330282104", "C3856", "注塑工")
    assert (ended["end_due_on"], ended["end_reported_on"], ended["end_reported_late"]) == ("2024-10-10", "2024-10-11", True)
    events = await office.events_about(resident.person_id)
    assert [event["event_type"].split(".", 1)[1] for event in events[-2:]] == ["employment.started.v1", "employment.ended.v1"]
    assert "注塑工" not in str([event["data"] for event in events])
    assert employer["credit_code"] not in str([event["data"] for event in events])


async def test_late_reports_are_listed(office: Office) -> None:
    town = office.caller("330282112")
    employer = await registered(town, division_code="330282112")
    made = []
    for told in (date(2024, 3, 7), date(2024, 3, 8)):
        person = expect(await town.post("/v1/persons", a_person()), 201)["person_id"]
        with office.on(told):
            made.append((await taken_on(town, person, employer, "2024-03-04"))["employment_id"])

    async def listed(path: str) -> set[str]:
        return {item["employment_id"] for item in expect(await town.get(path), 200)["items"]}

    for path in (f"{PATH}?", f"/v1/employers/{employer['employer_id']}/employments?"):
        assert await listed(path) == set(made)
        assert await listed(f"{path}reported_late=true") == {made[1]}
        assert await listed(f"{path}reported_late=false&open_only=true") == {made[0]}


async def test_what_cannot_be(office: Office, resident: Resident) -> None:
    await resident.register_person()
    employer, caller = await registered(resident.caller), resident.caller
    body = {"person_id": resident.person_id, "credit_code": employer["credit_code"], "occupation_code": "6"}
    today = office.today.isoformat()

    assert expect(await caller.post(PATH, {**body, "started_on": "2099-01-01"}), 422)["errors"][0]["pointer"] == "/started_on"
    unknown = expect(await caller.post(PATH, {**body, "credit_code": credit_code(), "started_on": today}), 404)
    assert unknown["type"].endswith("employer-not-found")
    made = await taken_on(caller, resident.person_id, employer, today)
    again = expect(await caller.post(PATH, {**body, "started_on": today}), 409)
    assert again["employment_id"] == made["employment_id"]
    expect(await caller.post(f"/v1/employers/{employer['employer_id']}/end", {"reason": "deregistered"}), 200)
    expect(await caller.post(f"{PATH}/{made['employment_id']}/end", {"ended_on": today, "reason": "dismissed"}), 200)
    over = expect(await caller.post(PATH, {**body, "started_on": today}), 409)
    assert over["type"].endswith("employer-ended")


async def test_one_employment_per_employer_in_whatever_race(resident: Resident) -> None:
    await resident.register_person()
    employer = await registered(resident.caller)
    body = {"person_id": resident.person_id, "credit_code": employer["credit_code"], "occupation_code": "6"}
    answers = await asyncio.gather(*(resident.caller.post(PATH, {**body, "started_on": "2024-03-04"}) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_a_change_keeps_a_version_and_an_error_is_an_officers_finding(resident: Resident) -> None:
    await resident.register_person()
    employer, caller = await registered(resident.caller), resident.caller
    made = await taken_on(caller, resident.person_id, employer, "2024-03-04")
    path = f"{PATH}/{made['employment_id']}"
    changed = expect(await caller.patch(path, {"occupation_code": "601", "position": None}, version=1), 200)
    wrong = {"ended_on": "2024-03-04", "reason": "recorded_in_error"}
    expect(await caller.post(f"{path}/end", wrong, headers={"x-actor": ""}), 200)
    ended = expect(await caller.get(path), 200)
    history = expect(await caller.get(f"{path}/history"), 200)["items"]

    assert (changed["occupation_code"], changed["position"]) == ("601", None)
    assert (ended["end_reason"], ended["end_due_on"], ended["end_reported_late"]) == ("recorded_in_error", None, None)
    assert [item["state"]["position"] for item in history] == [None, None, "注塑工"]
    expect(await caller.post(f"{path}/end", wrong), 409)


async def test_the_homes_town_and_the_employers_town_see_it_and_no_other(office: Office) -> None:
    home, factory, other = (office.caller(town) for town in ("330282107", "330282104", "330282114"))
    employer = await registered(factory)
    person = expect(await home.post("/v1/persons", a_person()), 201)["person_id"]
    expect(
        await home.post("/v1/residence-registrations", a_residence(person, division_code="330282107", started_on="2024-01-01")),
        201,
    )
    made = await taken_on(home, person, employer, "2024-03-04")
    path = f"{PATH}/{made['employment_id']}"

    for caller, status in ((home, 200), (factory, 200), (other, 404)):
        expect(await caller.get(path), status)
        expect(await caller.get(f"{path}/history"), status)
    expect(await other.post(f"{path}/end", {"ended_on": "2024-03-05", "reason": "resigned"}), 404)
    assert expect(await other.get(PATH), 200)["items"] == []
    expect(await factory.get(f"/v1/persons/{person}"), 404)
    assert expect(await home.get(f"/v1/persons/{person}/employments"), 200)["items"] == [expect(await home.get(path), 200)]
    expect(await factory.post(f"{path}/end", {"ended_on": "2024-03-05", "reason": "resigned"}), 200)
    event = (await office.events_about(person))[-1]
    assert set(event["division_codes"]) == {"330282104", "330282107"}


async def test_whoever_resolved_a_person_reports_it_and_sees_nothing_else_of_it(office: Office) -> None:
    home, factory = office.caller("330282107"), office.caller("330282104", client="factory-desk")
    entered = a_person()
    person = expect(await home.post("/v1/persons", entered), 201)["person_id"]
    employer = await registered(factory)
    body = {"person_id": person, "credit_code": employer["credit_code"], "occupation_code": "6", "started_on": "2024-03-04"}
    expect(await factory.post(PATH, body), 404)
    document = entered["identity_documents"][0]
    named = {"identity_document": document, "name": entered["name"]}
    expect(await factory.post("/v1/persons/resolve", named), 200)
    expect(await factory.post(PATH, body), 201)
    expect(await factory.get(f"/v1/persons/{person}/employments"), 404)


async def test_a_client_without_the_scope_sees_that_somebody_works_and_not_where(office: Office, resident: Resident) -> None:
    await resident.register_person()
    made = await taken_on(resident.caller, resident.person_id, await registered(resident.caller), "2024-03-04")
    narrow = office.caller("330282", scopes=frozenset({"registry.employment.read"}))
    seen = expect(await narrow.get(f"{PATH}/{made['employment_id']}"), 200)

    assert (seen["employer_id"], seen["occupation_code"], seen["position"]) == (None, None, None)
    assert seen["started_on"] == "2024-03-04"


async def test_a_snapshot_tells_employers_and_employments(office: Office, resident: Resident) -> None:
    await resident.register_person()
    employer = await registered(resident.caller)
    made = await taken_on(resident.caller, resident.person_id, employer, "2024-03-04")

    async def told(tx: object) -> dict[str, list[str]]:
        states = snapshot(tx, office.service.runtime.keyring)  # type: ignore[arg-type]
        return {str(key): [type(event).__name__ for event in events] async for key, events in states}

    states = await in_transaction(office.service.runtime.pool, told, rows=SERVICE)
    assert states[employer["employer_id"]] == ["EmployerRegistered"]
    assert states[resident.person_id][-1] == "EmploymentStarted"
    assert made["version"] == 1
