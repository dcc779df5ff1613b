"""Acts that need two officers: who may approve what, when it is too late, and that both names stay."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from services.registry.jobs import forget_expired_proposals
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import EVERY_SCOPE, a_person, citizen_number
from tests.running import Caller

PROPOSALS = "/v1/registry/proposals"
RENAMED = {"name": "王晓明"}


def code(problem: dict[str, Any]) -> str:
    return str(problem["type"]).rpartition(":")[2]


def second(office: Office, **principal: Any) -> Caller:
    """Another officer of the same organisation."""
    return office.caller(**{"actor": "officer-2", "client": "second"} | principal)


async def proposed(caller: Caller, person_id: str, body: dict[str, Any] = RENAMED) -> dict[str, Any]:
    return expect(await caller.post(f"/v1/persons/{person_id}/correction", body), 201)


async def test_who_holds_a_permit_is_renamed_by_two_officers(office: Office, holder: Resident) -> None:
    path = f"/v1/persons/{holder.person_id}"
    direct = expect(await holder.caller.patch(path, RENAMED, version=1), 409)
    assert (code(direct), direct["propose"]) == ("two-officers-needed", f"{path}/correction")
    answer = await holder.caller.post(direct["propose"], RENAMED)
    proposal = expect(answer, 201)
    assert answer.headers["location"] == f"{PROPOSALS}/{proposal['proposal_id']}"
    assert (proposal["status"], proposal["proposed_by"], proposal["content"]) == ("open", "officer-1", RENAMED)
    assert expect(await holder.caller.get(path), 200)["name"] == "王小明"
    approved = expect(await second(office).post(f"{answer.headers['location']}/approve"), 200)
    assert (approved["status"], approved["decided_by"], approved["content"]) == ("approved", "officer-2", None)
    assert expect(await holder.caller.get(path), 200)["name"] == "王晓明"
    version = expect(await holder.caller.get(f"{path}/history"), 200)["items"][0]
    assert (version["actor"], version["proposed_by"], version["changed"]) == ("officer-2", "officer-1", ["name"])
    lines = await office.rows(
        "SELECT line::jsonb AS line FROM audit_line WHERE person_id = $1 AND line::jsonb ->> 'operation' = 'correct'",
        holder.person_id,
    )
    assert [(row["line"]["actor"], row["line"]["proposer"]) for row in lines] == [("officer-2", "officer-1")]
    decided = await office.rows(
        "SELECT line::jsonb AS line FROM audit_line WHERE line::jsonb @> $1",
        {"resource_id": proposal["proposal_id"], "operation": "approve person.correct"},
    )
    assert [(row["line"]["actor"], row["line"]["proposer"]) for row in decided] == [("officer-2", "officer-1")]
    assert (await office.events_about(holder.person_id))[-1]["event_type"] == "registry.person.corrected.v1"


@pytest.mark.parametrize("change", ["birth_date", "sex_code", "citizen_id"])
async def test_every_part_of_a_holders_identity_needs_two(office: Office, holder: Resident, change: str) -> None:
    path = f"/v1/persons/{holder.person_id}"
    old = expect(await holder.caller.get(path), 200)["identity_documents"][0]["document_id"]
    new = {"type": "citizen_id", "number": citizen_number(male=change != "sex_code"), "replaces": old}
    assert code(expect(await holder.caller.patch(path, {"identity_documents": [new]}, version=1), 409)) == "two-officers-needed"


async def test_everything_else_stays_direct(office: Office, holder: Resident, cixi: Caller) -> None:
    path = f"/v1/persons/{holder.person_id}"
    passport = {"type": "passport", "number": "E12345678"}
    body = {"phone": "13805740009", "education_code": "61", "name": "王小明", "identity_documents": [passport]}
    assert expect(await holder.caller.patch(path, body, version=1), 200)["version"] == 2
    nobody = expect(await cixi.post("/v1/persons", a_person()), 201)
    assert expect(await cixi.patch(f"/v1/persons/{nobody['person_id']}", RENAMED, version=1), 200)["name"] == "王晓明"


async def test_the_same_officer_cannot_approve(office: Office, holder: Resident) -> None:
    proposal = await proposed(holder.caller, holder.person_id)
    path = f"{PROPOSALS}/{proposal['proposal_id']}"
    for same in (
        office.caller(),
        office.caller(actor="OFFICER-1", client="other"),
        office.caller("330000", organisation="省厅"),
    ):
        assert code(expect(await same.post(f"{path}/approve"), 403)) == "second-officer-needed"
        assert code(expect(await same.post(f"{path}/decline"), 403)) == "second-officer-needed"
    assert code(expect(await office.caller(actor=None).post(f"{path}/approve"), 403)) == "actor-required"
    assert expect(await holder.caller.get(path), 200)["status"] == "open"


async def test_the_second_officer_is_of_the_same_organisation_or_one_above(office: Office, holder: Resident) -> None:
    proposal = await proposed(holder.caller, holder.person_id)
    path = f"{PROPOSALS}/{proposal['proposal_id']}/approve"
    beside = second(office, organisation="教育局")
    assert code(expect(await beside.post(path), 403)) == "organisation-not-superior"
    for elsewhere in (second(office, division="330281"), second(office, division="330282107")):
        assert (await elsewhere.post(path)).status_code == 404
    no_right = second(office, scopes=EVERY_SCOPE - {"registry.person.write"})
    assert code(expect(await no_right.post(path), 403)) == "scope-missing"
    above = second(office, division="330200", organisation="宁波市公安局")
    approved = expect(await above.post(path), 200)
    assert (approved["deciding_organisation"], approved["proposing_organisation"]) == ("宁波市公安局", "test")


async def test_a_proposal_expires_by_the_law_clock_and_its_content_is_destroyed(office: Office, holder: Resident) -> None:
    today = office.today
    proposal = await proposed(holder.caller, holder.person_id)
    path = f"{PROPOSALS}/{proposal['proposal_id']}"
    assert proposal["expires_on"] == (today + timedelta(days=7)).isoformat()
    with office.on(today + timedelta(days=8)):
        assert code(expect(await second(office).post(f"{path}/approve"), 409)) == "proposal-expired"
        shown = expect(await holder.caller.get(path), 200)
        assert (shown["status"], shown["content"]) == ("expired", None)
        await office.run_job(forget_expired_proposals)
    (row,) = await office.rows("SELECT status, content FROM proposal WHERE proposal_id = $1", proposal["proposal_id"])
    assert (row["status"], row["content"]) == ("expired", None)
    assert code(expect(await second(office).post(f"{path}/approve"), 409)) == "proposal-expired"


async def test_what_changed_meanwhile_is_not_overwritten(office: Office, holder: Resident) -> None:
    proposal = await proposed(holder.caller, holder.person_id)
    expect(await holder.caller.patch(f"/v1/persons/{holder.person_id}", {"education_code": "61"}, version=1), 200)
    problem = expect(await second(office).post(f"{PROPOSALS}/{proposal['proposal_id']}/approve"), 409)
    assert (code(problem), problem["current_version"]) == ("proposal-outdated", 2)
    assert expect(await holder.caller.get(f"/v1/persons/{holder.person_id}"), 200)["name"] == "王小明"


async def test_a_proposal_is_decided_once(office: Office, holder: Resident) -> None:
    proposal = await proposed(holder.caller, holder.person_id)
    path = f"{PROPOSALS}/{proposal['proposal_id']}"
    answers = await asyncio.gather(*(second(office).post(f"{path}/approve") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {code(answer.json()) for answer in answers if answer.status_code == 409} == {"proposal-decided"}
    history = expect(await holder.caller.get(f"/v1/persons/{holder.person_id}/history"), 200)["items"]
    assert [item["version"] for item in history] == [2, 1]


async def test_a_retry_of_an_approval_gets_the_same_answer(office: Office, holder: Resident) -> None:
    proposal = await proposed(holder.caller, holder.person_id)
    path, key = f"{PROPOSALS}/{proposal['proposal_id']}/approve", {"idempotency-key": f"again-{proposal['proposal_id']}"}
    first = await second(office).post(path, headers=key)
    again = await second(office).post(path, headers=key)
    assert (first.status_code, first.content) == (again.status_code, again.content) == (200, first.content)


async def test_declined_and_withdrawn_proposals_change_nothing(office: Office, holder: Resident) -> None:
    first = await proposed(holder.caller, holder.person_id)
    open_already = expect(await holder.caller.post(f"/v1/persons/{holder.person_id}/correction", RENAMED), 409)
    assert (code(open_already), open_already["proposal_id"]) == ("proposal-open", first["proposal_id"])
    path = f"{PROPOSALS}/{first['proposal_id']}"
    assert code(expect(await second(office).post(f"{path}/withdraw"), 403)) == "proposal-of-another"
    assert expect(await second(office).post(f"{path}/decline"), 200)["status"] == "declined"
    other = await proposed(holder.caller, holder.person_id)
    assert expect(await holder.caller.post(f"{PROPOSALS}/{other['proposal_id']}/withdraw"), 200)["status"] == "withdrawn"
    assert code(expect(await second(office).post(f"{PROPOSALS}/{other['proposal_id']}/approve"), 409)) == "proposal-decided"
    assert expect(await holder.caller.get(f"/v1/persons/{holder.person_id}"), 200)["version"] == 1


async def test_what_is_proposed_is_sealed_and_masked_like_the_person(office: Office, holder: Resident) -> None:
    number = citizen_number()
    old = expect(await holder.caller.get(f"/v1/persons/{holder.person_id}"), 200)["identity_documents"][0]["document_id"]
    body = {"name": "慕容雪见", "identity_documents": [{"type": "citizen_id", "number": number, "replaces": old}]}
    proposal = await proposed(holder.caller, holder.person_id, body)
    path = f"{PROPOSALS}/{proposal['proposal_id']}"
    assert number in (await holder.caller.get(path)).text
    blind = office.caller(scopes={name for name in EVERY_SCOPE if ".field." not in name})
    shown = await blind.get(path)
    assert expect(shown, 200)["content"]["name"] == "慕**"
    assert number not in shown.text
    stored = str(await office.rows("SELECT CAST(t AS text) FROM proposal t"))
    assert number not in stored
    assert "慕容雪见" not in stored


async def test_proposals_are_listed_for_those_who_may_decide(office: Office, resident: Resident) -> None:
    await resident.register_person()
    made = await proposed(resident.caller, resident.person_id)
    listed = expect(await second(office).get(f"{PROPOSALS}?status=open&limit=200"), 200)["items"]
    assert made["proposal_id"] in {item["proposal_id"] for item in listed}
    assert all(item["content"] is None for item in listed)
    elsewhere = expect(await second(office, division="330281").get(f"{PROPOSALS}?limit=200"), 200)["items"]
    assert made["proposal_id"] not in {item["proposal_id"] for item in elsewhere}


async def test_errors_are_told_when_it_is_proposed(office: Office, cixi: Caller) -> None:
    person = expect(await cixi.post("/v1/persons", a_person()), 201)
    path = f"/v1/persons/{person['person_id']}/correction"
    assert (await cixi.post(path, {"birth_date": date(1990, 1, 1).isoformat()})).status_code == 422
    assert code(expect(await cixi.post(path, {"name": "王小明"}), 422)) == "invalid-request"
    assert (await cixi.post(path, RENAMED, headers={"if-match": '"7"'})).status_code == 412
