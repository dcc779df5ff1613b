"""Who may see whom: search, resolve, moving between towns. Everything at random against a model: `test_row_model.py`."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.registry.actions import person_reading
from services.registry.jobs import forget_expired_resolutions
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import a_person, a_residence, citizen_number
from tests.running import Caller

CIXI, YUYAO = "330282", "330281"


def by_number(number: str, **given: Any) -> dict[str, Any]:
    return {"identity_document": {"type": "citizen_id", "number": number}} | given


async def ids_found(caller: Caller, body: dict[str, Any]) -> list[str]:
    page = expect(await caller.post("/v1/persons/search", body), 200)
    return [item["person_id"] for item in page["items"]]


async def test_search_finds_by_document_name_and_ids_together(cixi: Caller) -> None:
    number, name = citizen_number(birth_date=date(1966, 6, 6)), "阿依古丽·买买提江"
    person_id = expect(await cixi.post("/v1/persons", a_person(number=number, name=name)), 201)["person_id"]
    assert await ids_found(cixi, by_number(f" {number} ")) == [person_id]
    assert await ids_found(cixi, {"name": "阿依古丽买买提江", "birth_date": "1966-06-06"}) == [person_id]
    assert await ids_found(cixi, by_number(number, name="阿依古丽•买买提江", person_ids=[person_id])) == [person_id]
    assert await ids_found(cixi, by_number(number, name="别人")) == []
    assert await ids_found(cixi, {"name": name, "birth_date": "1966-06-07"}) == []


async def test_search_is_paged_by_a_cursor_of_its_own(cixi: Caller) -> None:
    name = f"分页{citizen_number()[-6:]}".replace("X", "")
    made = [expect(await cixi.post("/v1/persons", a_person(name=f"{name}人")), 201)["person_id"] for _ in range(5)]
    found: list[str] = []
    body: dict[str, Any] = {"name": f"{name}人", "limit": 2}
    while True:
        page = expect(await cixi.post("/v1/persons/search", body), 200)
        found += [item["person_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        body["cursor"] = page["next_cursor"]
    assert found == made
    assert (await cixi.post("/v1/persons/search", {"name": "别的", "cursor": body["cursor"]})).status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"birth_date": "1990-01-01"}, {"limit": 5}, {"name": "王小明", "phone": "13805740001"}, {"person_ids": []}]
)
async def test_search_fails_closed(cixi: Caller, body: dict[str, Any]) -> None:
    assert (await cixi.post("/v1/persons/search", body)).status_code == 422


async def test_search_results_are_masked_and_minors_more_so(office: Office, cixi: Caller) -> None:
    adult_number = citizen_number(birth_date=date(1977, 7, 7))
    minor_number = citizen_number(birth_date=date(2018, 3, 1))
    for number in (adult_number, minor_number):
        expect(await cixi.post("/v1/persons", a_person(number=number, name="司马相如")), 201)
    adult = expect(await cixi.post("/v1/persons/search", by_number(adult_number)), 200)["items"][0]
    minor = expect(await cixi.post("/v1/persons/search", by_number(minor_number)), 200)["items"][0]
    assert (adult["masked_name"], adult["birth_year"], adult["is_minor"]) == ("司**", 1977, False)
    assert (minor["birth_year"], minor["hukou_division_code"], minor["identity_documents"]) == (None, None, [])
    assert minor["is_minor"]
    assert "司马相如" not in str((adult, minor))


async def test_another_county_sees_nothing_of_a_person(office: Office, resident: Resident) -> None:
    number = citizen_number()
    await resident.register_person(number=number)
    await resident.register_residence(office.today)
    yuyao = office.caller(YUYAO)
    person = f"/v1/persons/{resident.person_id}"
    for path in (
        person,
        f"{person}/history",
        f"{person}/relationships",
        f"{person}/entitlements",
        f"{person}/residence-registrations",
        f"{person}/residence-permits",
        f"/v1/residence-registrations/{resident.registration_id}",
        f"/v1/residence-registrations/{resident.registration_id}/history",
    ):
        unknown = path.replace(resident.person_id, "019ab0c2-1111-7000-8000-00000000dead").replace(
            resident.registration_id, "019ab0c2-1111-7000-8000-00000000dead"
        )
        hidden, missing = await yuyao.get(path), await yuyao.get(unknown)
        assert hidden.status_code == missing.status_code == 404, path
        assert {**hidden.json(), "request_id": ""} == {**missing.json(), "request_id": ""}
    assert await ids_found(yuyao, by_number(number)) == []
    patch = await yuyao.patch(person, {"phone": None}, version=1)
    assert patch.status_code == 404
    application = {"person_id": resident.person_id, "ground": "home", "evidence": []}
    assert (await yuyao.post("/v1/residence-permits", application)).status_code == 404
    residence = a_residence(resident.person_id, division_code="330281001", started_on=office.today.isoformat())
    assert (await yuyao.post("/v1/residence-registrations", residence)).status_code == 404


async def test_a_town_sees_its_own_and_the_county_sees_every_town(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today, division_code="330282107204")
    path = f"/v1/persons/{resident.person_id}"
    seen = {
        division: (await office.caller(division).get(path)).status_code
        for division in ("330282107204", "330282107", "330282", "330200", "330000", "330282107205", "330282109", "330281")
    }
    assert [division for division, status in seen.items() if status == 200] == [
        "330282107204",
        "330282107",
        "330282",
        "330200",
        "330000",
    ]


async def test_resolve_needs_the_whole_number_and_the_name(office: Office, cixi: Caller) -> None:
    number = citizen_number()
    person_id = expect(await cixi.post("/v1/persons", a_person(number=number, name="诸葛孔明")), 201)["person_id"]
    yuyao = office.caller(YUYAO, client="yuyao-resolve")
    wrong_name = await yuyao.post("/v1/persons/resolve", by_number(number, name="诸葛亮"))
    wrong_number = await yuyao.post("/v1/persons/resolve", by_number(citizen_number(), name="诸葛孔明"))
    assert wrong_name.status_code == wrong_number.status_code == 404
    assert {**wrong_name.json(), "request_id": ""} == {**wrong_number.json(), "request_id": ""}
    resolved = expect(await yuyao.post("/v1/persons/resolve", by_number(number, name="诸葛孔明")), 200)
    assert (resolved["person_id"], resolved["masked_name"]) == (person_id, "诸**")
    lines = await office.rows(
        "SELECT line::jsonb AS line FROM audit_line WHERE line::jsonb ->> 'client' = 'yuyao-resolve' ORDER BY recorded_at"
    )
    assert [row["line"]["outcome"] for row in lines] == ["not_found", "not_found", "done"]


async def test_who_resolved_reads_masked_data_and_nobody_else_of_the_town_does(office: Office, cixi: Caller) -> None:
    number = citizen_number()
    person_id = expect(await cixi.post("/v1/persons", a_person(number=number, name="诸葛孔明")), 201)["person_id"]
    asked, colleague = office.caller(YUYAO, client="yuyao-asked"), office.caller(YUYAO, client="yuyao-colleague")
    expect(await asked.post("/v1/persons/resolve", by_number(number, name="诸葛孔明")), 200)
    person = expect(await asked.get(f"/v1/persons/{person_id}"), 200)
    assert (person["name"], person["birth_date"], person["phone_masked"], person["is_masked"]) == ("诸**", None, None, True)
    assert (await colleague.get(f"/v1/persons/{person_id}")).status_code == 404
    for path in ("history", "relationships", "entitlements", "residence-registrations", "residence-permits"):
        assert (await asked.get(f"/v1/persons/{person_id}/{path}")).status_code == 404, path
    assert (await asked.patch(f"/v1/persons/{person_id}", {"phone": None}, version=1)).status_code == 404
    await office.rows("UPDATE person_resolution SET expires_at = now() WHERE person_id = $1", person_id)
    assert (await asked.get(f"/v1/persons/{person_id}")).status_code == 404


async def test_moving_to_another_county_always_works(office: Office, resident: Resident) -> None:
    number, today = citizen_number(), office.today
    await resident.register_person(number=number, name="诸葛孔明")
    await resident.register_residence(today - timedelta(days=400))
    yuyao = office.caller(YUYAO, client="yuyao-moving")
    expect(await yuyao.post("/v1/persons/resolve", by_number(number, name="诸葛孔明")), 200)
    body = a_residence(resident.person_id, division_code="330281001", started_on=today.isoformat())
    made = expect(await yuyao.post("/v1/residence-registrations", body), 201)
    assert made["residence_since"] == today.isoformat()
    assert expect(await yuyao.get(f"/v1/persons/{resident.person_id}"), 200)["name"] == "诸葛孔明"
    assert (await yuyao.get(f"/v1/residence-registrations/{resident.registration_id}")).status_code == 404
    old = expect(await resident.caller.get(f"/v1/residence-registrations/{resident.registration_id}"), 200)
    assert (old["status"], old["end_reason"], old["ended_on"]) == ("ended", "left", today.isoformat())
    assert (await resident.caller.get(f"/v1/residence-registrations/{made['registration_id']}")).status_code == 404
    events = await office.events_about(resident.person_id)
    assert [event["event_type"].split(".", 1)[1] for event in events] == [
        "person.registered.v1",
        "residence_registration.registered.v1",
        "residence_registration.ended.v1",
        "residence_registration.registered.v1",
    ]
    assert set(events[-1]["division_codes"]) == {"330282107", "330282", "330281001"}


async def test_expired_resolutions_are_forgotten(office: Office, cixi: Caller) -> None:
    numbers = [citizen_number() for _ in range(3)]
    for number in numbers:
        expect(await cixi.post("/v1/persons", a_person(number=number)), 201)
        expect(await office.caller("330281").post("/v1/persons/resolve", by_number(number, name="王小明")), 200)
    await office.rows("UPDATE person_resolution SET expires_at = now() - interval '1 minute'")
    await office.run_job(forget_expired_resolutions)
    assert await office.rows("SELECT FROM person_resolution") == []


async def test_resolving_is_limited(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person_reading, "RESOLVE_LIMIT", 3)
    caller = office.caller(client="guessing")
    statuses = [
        (await caller.post("/v1/persons/resolve", by_number(citizen_number(), name="王小明"))).status_code for _ in range(5)
    ]
    assert statuses == [404, 404, 404, 429, 429]


async def test_a_town_sees_who_left_for_two_years(office: Office, resident: Resident) -> None:
    with office.on(date(2023, 1, 9)):
        await resident.register_person()
    await resident.register_residence(date(2023, 1, 10))
    with office.on(date(2023, 3, 1)):
        end = {"ended_on": "2023-02-28", "reason": "left"}
        expect(await resident.caller.post(f"/v1/residence-registrations/{resident.registration_id}/end", end), 200)
    path = f"/v1/persons/{resident.person_id}"
    for day, status in ((date(2025, 2, 27), 200), (date(2025, 2, 28), 404), (date(2027, 1, 1), 404)):
        with office.on(day):
            assert (await resident.caller.get(path)).status_code == status, day
            registration = await resident.caller.get(f"/v1/residence-registrations/{resident.registration_id}")
            assert registration.status_code == status, day
