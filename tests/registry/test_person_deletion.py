"""The deletion of a person: lawful refusals, two officers, and nothing left of it in any column."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.registry.jobs import finish_erasures
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import a_person, citizen_number
from tests.registry.test_field_visibility import settled
from tests.registry.test_two_officers import PROPOSALS, RENAMED, code, proposed, second
from tests.running import Caller

DELETION = {"reason": "retention_over", "legal_ground": "pipl_47_2"}
# All tests share one register: what is looked for here must be nobody else's.
NAME, PHONE, ADDRESS, CARD = "端木雪见", "13911117777", "陈家村东路77号301室", "33028226009999"
BORN = date(1931, 7, 19)


async def deleted(office: Office, caller: Caller, person_id: str) -> dict[str, Any]:
    made = expect(await caller.post(f"/v1/persons/{person_id}/deletion", DELETION), 201)
    assert made["status"] == "open", made["reasons"]
    return expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)


async def gone_resident(office: Office, resident: Resident, number: str) -> list[str]:
    """Somebody with everything that is kept, who has left; returns the values."""
    today = office.today
    start = today - timedelta(days=400)
    await resident.register_person(name=NAME, phone=PHONE, number=number)
    await resident.register_residence(start, address=ADDRESS)
    relative = expect(await resident.caller.post("/v1/persons", a_person()), 201)
    related = {"person_id": resident.person_id, "related_person_id": relative["person_id"], "kind": "spouse"}
    expect(await resident.caller.post("/v1/relationships", related | {"valid_from": "2000-01-01"}), 201)
    papers = [{"type": "labour_contract", "document_number": "LC-99-0099"}]
    assert (await resident.apply(today, evidence=papers))["status"] == "accepted"
    await resident.act("issue", today, {"card_number": CARD})
    expect(await resident.caller.patch(f"/v1/persons/{resident.person_id}", {"education_code": "61"}, version=1), 200)
    await resident.act("suspend", today, {"reason": "核查"})
    await resident.act("end", today, {"reason": "death", "note": "家属李代桃来电"})
    path = f"/v1/residence-registrations/{resident.registration_id}/end"
    expect(await resident.caller.post(path, {"reason": "death"}), 200)
    await settled(office)
    return [NAME, PHONE, number, number[6:14], ADDRESS, CARD, "LC-99-0099", "李代桃", BORN.isoformat()]


async def found_in_cells(office: Office, values: list[str]) -> set[str]:
    """Which of the values stand in any column of any table, as text or as bytes."""
    tables = await office.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = [await office.rows(f"SELECT CAST(t AS text) AS cell FROM {each['tablename']} t") for each in tables]
    cells = "\n".join(str(row["cell"]) for rows in found for row in rows)
    return {value for value in values if value in cells or value.encode().hex() in cells}


async def test_a_deleted_person_leaves_ids_and_evidence_and_no_value(office: Office, resident: Resident) -> None:
    number = citizen_number(birth_date=BORN)
    values = await gone_resident(office, resident, number)
    path = f"/v1/persons/{resident.person_id}"
    assert {BORN.isoformat(), resident.person_id} <= await found_in_cells(office, [*values, resident.person_id])
    assert (await deleted(office, resident.caller, resident.person_id))["status"] == "approved"
    await settled(office)
    await office.run_job(finish_erasures)
    for suffix in ("", "/history", "/relationships", "/residence-registrations", "/residence-permits", "/entitlements"):
        problem = expect(await resident.caller.get(path + suffix), 410)
        assert (code(problem), problem["deleted_on"]) == ("person-deleted", office.today.isoformat())
    assert code(expect(await resident.caller.patch(path, {"phone": None}, version=2), 410)) == "person-deleted"
    assert (await office.caller("330281").get(path)).status_code == 404
    assert await found_in_cells(office, [*values, resident.person_id]) == {resident.person_id}
    history = await office.rows("SELECT version, actor, snapshot FROM history WHERE person_id = $1", resident.person_id)
    assert len(history) >= 7
    for table in ("person_key", "notice"):
        assert await office.rows(f"SELECT FROM {table} WHERE person_id = $1", resident.person_id) == []
    lines = await office.rows("SELECT line::jsonb AS line FROM audit_line WHERE person_id = $1", resident.person_id)
    last = [row["line"] for row in lines if row["line"]["operation"] == "delete"]
    assert [(line["actor"], line["proposer"]) for line in last] == [("officer-2", "officer-1")]
    event = (await office.events_about(resident.person_id))[-1]
    assert event["event_type"] == "registry.person.deleted.v1"
    assert event["data"] == {"person_id": resident.person_id, "version": 3, "deleted_on": office.today.isoformat()}
    assert event["division_codes"] == ["330282", "330282107"]
    again = expect(await resident.caller.post("/v1/persons", a_person(number=number, name=NAME)), 201)
    assert again["person_id"] != resident.person_id
    found = expect(await resident.caller.post("/v1/persons/search", {"name": NAME}), 200)["items"]
    assert [item["person_id"] for item in found] == [again["person_id"]]


async def test_whoever_is_registered_or_has_a_permit_is_not_deleted(office: Office, holder: Resident) -> None:
    refused = expect(await holder.caller.post(f"/v1/persons/{holder.person_id}/deletion", DELETION), 201)
    assert refused["status"] == "refused"
    assert [reason["code"] for reason in refused["reasons"]] == ["current_registration", "open_permit"]
    assert {reason["rule"] for reason in refused["reasons"]} == {"V-20"}
    assert all(reason["article"] and reason["message_zh"] and reason["message_en"] for reason in refused["reasons"])
    assert code(expect(await second(office).post(f"{PROPOSALS}/{refused['proposal_id']}/approve"), 409)) == "proposal-decided"
    assert (await holder.caller.get(f"/v1/persons/{holder.person_id}")).status_code == 200


async def test_an_open_case_stands_against_it(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await proposed(resident.caller, resident.person_id)
    refused = expect(await resident.caller.post(f"/v1/persons/{resident.person_id}/deletion", DELETION), 201)
    assert [reason["code"] for reason in refused["reasons"]] == ["open_case"]


async def test_what_came_up_meanwhile_refuses_at_the_approval(office: Office, resident: Resident) -> None:
    await resident.register_person()
    made = expect(await resident.caller.post(f"/v1/persons/{resident.person_id}/deletion", DELETION), 201)
    await resident.register_residence(office.today)
    decided = expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 200)
    assert (decided["status"], decided["decided_by"]) == ("refused", "officer-2")
    assert [reason["code"] for reason in decided["reasons"]] == ["current_registration"]
    assert (await resident.caller.get(f"/v1/persons/{resident.person_id}")).status_code == 200


async def test_a_deletion_based_on_an_older_version_is_outdated(office: Office, resident: Resident) -> None:
    await resident.register_person()
    made = expect(await resident.caller.post(f"/v1/persons/{resident.person_id}/deletion", DELETION), 201)
    expect(await resident.caller.patch(f"/v1/persons/{resident.person_id}", RENAMED, version=1), 200)
    problem = expect(await second(office).post(f"{PROPOSALS}/{made['proposal_id']}/approve"), 409)
    assert code(problem) == "proposal-outdated"


async def test_the_second_of_two_proposals_finds_nobody(office: Office, resident: Resident) -> None:
    await resident.register_person()
    one = expect(await resident.caller.post(f"/v1/persons/{resident.person_id}/deletion", DELETION), 201)
    above = office.caller("330200", organisation="市局", actor="officer-9")
    blocked = expect(await above.post(f"/v1/persons/{resident.person_id}/deletion", DELETION), 409)
    assert code(blocked) == "proposal-open"
    expect(await second(office).post(f"{PROPOSALS}/{one['proposal_id']}/approve"), 200)
    gone = await above.post(f"/v1/persons/{resident.person_id}/deletion", DELETION)
    assert code(expect(gone, 410)) == "person-deleted"


@pytest.mark.parametrize("body", [{}, {"reason": "bored", "legal_ground": "pipl_47_2"}, DELETION | {"note": "张三"}])
async def test_reason_and_ground_are_codes(cixi: Caller, body: dict[str, Any]) -> None:
    person = expect(await cixi.post("/v1/persons", a_person()), 201)
    assert (await cixi.post(f"/v1/persons/{person['person_id']}/deletion", body)).status_code == 422


async def test_who_reported_for_others_stays_an_id_there(office: Office, resident: Resident) -> None:
    reporter = expect(await resident.caller.post("/v1/persons", a_person()), 201)["person_id"]
    await resident.register_person()
    await resident.register_residence(office.today, reported_by="guardian", reporter_person_id=reporter)
    await deleted(office, resident.caller, reporter)
    path = f"/v1/residence-registrations/{resident.registration_id}"
    assert expect(await resident.caller.get(path), 200)["reporter_person_id"] == reporter
