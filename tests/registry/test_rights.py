"""Rights of the person: clocks, who may ask, decisions with reasons, a copy of everything, restriction, deletion."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.chassis.jobs import Scheduler
from services.registry.jobs import JOBS
from services.registry.rules.rights import Requester, RequesterFacts, RightsKind, term_of, why_not_entitled
from tests.registry.case_files import Case, cases, law
from tests.registry.conftest import Office, Resident, expect
from tests.registry.employers import registered as employer_of
from tests.registry.employers import taken_on
from tests.registry.factories import a_paper, a_person, citizen_number
from tests.registry.homes import register_home
from tests.registry.test_field_work import DAY, Walk, to_person
from tests.registry.test_field_work import registered as visited
from tests.registry.test_merging import merged
from tests.registry.test_person_deletion import deleted
from tests.running import Caller

PATH = "/v1/rights-requests"


@pytest.mark.parametrize("case", cases("rights", "term"))
def test_every_request_has_its_clock(case: Case) -> None:
    term = term_of(RightsKind(case["kind"]), case["received_on"], law().rights, law().working_days)
    assert (term.due_on, term.is_provisional) == (case["due_on"], False)


@pytest.mark.parametrize("case", cases("rights", "entitled"))
def test_who_may_ask(case: Case) -> None:
    usual: dict[str, Any] = {"kind": "access_copy", "requester": "self", "on": date(2026, 3, 1), "birth_date": date(1990, 1, 1)}
    given = usual | case["facts"]
    given |= {"kind": RightsKind(given["kind"]), "requester": Requester(given["requester"])}
    given |= {"evidence_types": frozenset(given.get("evidence_types", ()))}
    reasons = why_not_entitled(RequesterFacts(**given), law().rights)
    assert [reason.code for reason in reasons] == case["missing"]
    assert all(reason.article and reason.message_zh and reason.message_en for reason in reasons)


async def received(resident: Resident, kind: str, status: int = 201, **given: Any) -> dict[str, Any]:
    body = {"person_id": resident.person_id, "kind": kind, "requester": "self", "wish": "请办理"} | given
    return expect(await resident.caller.post(PATH, body), status)


async def act(resident: Resident, request: dict[str, Any], verb: str, status: int = 200, **body: Any) -> dict[str, Any]:
    return expect(await resident.caller.post(f"{PATH}/{request['rights_request_id']}/{verb}", body), status)


async def decided(resident: Resident, kind: str, **decision: Any) -> dict[str, Any]:
    request = await received(resident, kind)
    await act(resident, request, "verify", note="窗口核验")
    return await act(resident, request, "decide", **({"outcome": "granted"} | decision))


async def test_a_request_goes_its_way_and_nothing_is_decided_unverified(resident: Resident) -> None:
    await resident.register_person()
    request = await received(resident, "objection")
    assert (request["status"], request["wish"], request["is_overdue"]) == ("received", "请办理", False)
    assert (await act(resident, request, "decide", 409, outcome="granted"))["type"].endswith("act-not-allowed")
    await act(resident, request, "verify", note="窗口核验")
    problem = await act(resident, request, "decide", 422, outcome="refused")
    assert problem["errors"][0]["code"] == "reasons_and_outcome"
    refused = await act(resident, request, "decide", outcome="refused", reason_codes=["statutory_duty"])
    assert [reason["code"] for reason in refused["reasons"]] == ["statutory_duty"]
    assert "第五十条" in refused["remedies"]
    done = await act(resident, request, "complete", note="书面答复已寄出")
    assert (done["status"], done["version"]) == ("done", 4)
    told = expect(await resident.caller.get(f"/v1/notices?person_id={resident.person_id}"), 200)["items"]
    assert [(item["template"], item["parameters"]["outcome"]) for item in told] == [("rights_request_decided", "refused")]


async def test_a_guardian_asks_for_a_child(office: Office, resident: Resident) -> None:
    await resident.register_person(number=citizen_number(birth_date=date(2019, 1, 1)), phone=None)
    parent = expect(await resident.caller.post("/v1/persons", a_person()), 201)["person_id"]
    own = await received(resident, "access_copy")
    problem = await act(resident, own, "verify", 409, note="窗口")
    assert [reason["code"] for reason in problem["reasons"]] == ["guardian_asks"]
    request = await received(resident, "access_copy", requester="guardian", requester_person_id=parent)
    assert (await act(resident, request, "verify", 409, note="窗口"))["reasons"][0]["code"] == "guardianship_not_shown"
    kinship = {"person_id": resident.person_id, "related_person_id": parent, "kind": "parent", "valid_from": "2019-01-01"}
    expect(await resident.caller.post("/v1/relationships", kinship), 201)
    assert (await act(resident, request, "verify", note="窗口"))["status"] == "verified"


async def test_the_copy_holds_everything_of_every_table_and_who_has_read_it(office: Office, holder: Resident) -> None:
    number = expect(await holder.caller.get(f"/v1/persons/{holder.person_id}"), 200)["identity_documents"][0]["number"]
    spouse = expect(await holder.caller.post("/v1/persons", a_person()), 201)["person_id"]
    kinship = {"person_id": spouse, "related_person_id": holder.person_id, "kind": "spouse", "valid_from": "2020-01-01"}
    expect(await holder.caller.post("/v1/relationships", kinship), 201)
    expect(await holder.caller.post("/v1/historical-permits", a_paper(holder.person_id)), 201)
    request = await decided(holder, "access_copy")
    assert (await act(holder, request, "complete", 409))["type"].endswith("not-carried-out")
    copy = await act(holder, request, "copy")
    sources = {held["source"] for held in copy["held"]}
    named = await office.rows(
        """SELECT DISTINCT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname = 'person_id'"""
    )
    left_out = {"person_key", "history", "person_resolution", "audit_line"}
    for table in {row["name"] for row in named} - left_out:
        held = await office.rows(f"SELECT count(*) AS n FROM {table} WHERE person_id = $1", holder.person_id)
        assert (held[0]["n"] > 0) == (table in sources) or table == "relationship", table
    text = json.dumps(copy, ensure_ascii=False)
    for value in ("王小明", number, "13805740001", "陈家村东路12号201室", "33028226000123", "330282000123", "请办理"):
        assert value in text
        assert value in copy["text"]
    assert "\\\\x" not in text
    assert {"organisation", "purpose", "fields"} <= set(copy["readings"][0])
    assert any(reading["operation"] == "read" and "name" in reading["fields"] for reading in copy["readings"])
    kept = expect(await holder.caller.get(f"{PATH}/{request['rights_request_id']}"), 200)
    assert kept["copy_sha256"] == copy["sha256"]
    assert (await act(holder, request, "complete"))["status"] == "done"


async def test_a_correction_is_done_when_the_register_says_so(resident: Resident) -> None:
    await resident.register_person()
    request = await decided(resident, "correction")
    await act(resident, request, "complete", 409)
    expect(await resident.caller.patch(f"/v1/persons/{resident.person_id}", {"education_code": "61"}, version=1), 200)
    assert (await act(resident, request, "complete"))["status"] == "done"


async def test_a_restricted_person_is_told_to_be_and_nothing_else(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today - timedelta(days=30))
    request = await received(resident, "restriction")
    await act(resident, request, "verify", note="窗口核验")
    problem = await act(resident, request, "decide", 409, outcome="granted")
    assert (problem["type"].rpartition(":")[2], problem["obstacles"]) == ("restriction-not-lawful", ["current_registration"])
    ended = f"/v1/residence-registrations/{resident.registration_id}"
    expect(await resident.caller.post(f"{ended}/end", {"reason": "left"}), 200)
    await act(resident, request, "decide", outcome="granted")
    for path in ("", "/history", "/residence-registrations", "/residence-permits", "/relationships"):
        answer = expect(await resident.caller.get(f"/v1/persons/{resident.person_id}{path}"), 403)
        assert answer["type"].endswith("person-restricted"), path
        assert answer["restricted_on"] == office.today.isoformat()
    assert (await resident.caller.get(ended)).status_code == 404
    found = expect(await resident.caller.post("/v1/persons/search", {"person_ids": [resident.person_id]}), 200)
    assert found["items"] == []
    assert (await office.events_about(resident.person_id))[-1]["event_type"] == "registry.restriction.imposed.v1"
    again = await act(resident, request, "lift", note="本人申请解除")
    assert again["lifted_on"] == office.today.isoformat()
    assert expect(await resident.caller.get(f"/v1/persons/{resident.person_id}"), 200)["name"] == "王小明"
    assert (await act(resident, request, "lift", 409, note="再次"))["type"].endswith("restriction-not-in-force")
    assert (await office.events_about(resident.person_id))[-1]["event_type"] == "registry.restriction.lifted.v1"


async def test_of_somebody_restricted_neither_visits_nor_employments_are_seen(office: Office) -> None:
    factory, cixi = office.caller("330282104"), office.caller()
    with office.on(DAY):
        resident = await visited(office, date(2025, 3, 1))
        visit = to_person(resident.person_id, "found", seen_version=1)
        assert (await Walk(office, cixi).one(visit))["result"] == "stored"
        employment = await taken_on(cixi, resident.person_id, await employer_of(factory), "2025-03-03")
        ended = f"/v1/residence-registrations/{resident.registration_id}/end"
        expect(await resident.caller.post(ended, {"reason": "left"}), 200)
        paths = (f"/v1/field-visits/{visit['visit_id']}", f"/v1/employments/{employment['employment_id']}")
        for path in (*paths, f"{paths[1]}/history"):
            expect(await cixi.get(path), 200)
        request = await decided(resident, "restriction")
        for path in (*paths, f"{paths[1]}/history"):
            expect(await cixi.get(path), 404)
        expect(await factory.get(paths[1]), 404)
        await act(resident, request, "lift", note="本人申请解除")
        for path in paths:
            expect(await cixi.get(path), 200)


async def test_what_an_alias_brought_along_is_restricted_with_the_human(office: Office, cixi: Caller) -> None:
    factory, kept = office.caller("330282104", client="factory"), await Resident(office, cixi).register_person()
    with office.on(DAY):
        alias = await visited(office, date(2025, 3, 1))
        visit = to_person(alias.person_id, "moved", seen_version=9)
        (conflict,) = (await Walk(office, cixi).one(visit))["conflicts"]
        employment = await taken_on(cixi, alias.person_id, await employer_of(factory), "2025-03-03")
        stay = await (await register_home(cixi, let_from="2025-01-01")).check_in(
            alias.person_id, started_at=f"{DAY}T08:00:00+08:00"
        )
        out = {"ended_at": f"{DAY}T09:00:00+08:00", "reason": "checked_out"}
        expect(await cixi.post(f"/v1/stays/{stay['stay_id']}/check-out", out), 200)
        ended = f"/v1/residence-registrations/{alias.registration_id}/end"
        expect(await cixi.post(ended, {"reason": "left"}), 200)
        await merged(office, cixi, kept.person_id, alias.person_id)
        paths = [
            f"/v1/employments/{employment['employment_id']}",
            f"/v1/field-visits/{visit['visit_id']}",
            f"/v1/field-visit-conflicts/{conflict['visit_conflict_id']}",
            f"/v1/stays/{stay['stay_id']}",
        ]
        request = await decided(kept, "restriction")
        for path in paths:
            expect(await cixi.get(path), 404)
        expect(await factory.get(paths[0]), 404)
        for person_id in (kept.person_id, alias.person_id):
            told = expect(await cixi.get(f"/v1/persons/{person_id}"), 403)
            assert (told["type"].rpartition(":")[2], told["restricted_on"]) == ("person-restricted", DAY.isoformat())
        await act(kept, request, "lift", note="本人申请解除")
        for path in paths:
            expect(await cixi.get(path), 200)
        expect(await factory.get(paths[0]), 200)


async def test_a_deletion_completes_its_request_and_takes_the_wish_along(office: Office, resident: Resident) -> None:
    await resident.register_person()
    request = await decided(resident, "deletion")
    await act(resident, request, "complete", 409)
    assert (await deleted(office, resident.caller, resident.person_id))["status"] == "approved"
    kept = expect(await resident.caller.get(f"{PATH}/{request['rights_request_id']}"), 200)
    assert (kept["status"], kept["outcome"], kept["wish"]) == ("done", "granted", None)


async def test_before_the_law_was_in_force_nothing_is_asked_by_it(office: Office, resident: Resident) -> None:
    await resident.register_person()
    with office.on(date(2021, 10, 31)):
        problem = await received(resident, "access_copy", 409)
    assert problem["type"].endswith("rights-law-not-held")
    with office.on(date(2021, 11, 1)):
        request = await received(resident, "access_copy")
    with office.on(date(2021, 10, 31)):
        assert (await act(resident, request, "verify", 409, note="窗口"))["type"].endswith("rights-law-not-held")


async def test_another_office_sees_no_request(office: Office, resident: Resident) -> None:
    await resident.register_person()
    request = await received(resident, "explanation")
    other = office.caller("330282109")
    assert (await other.get(f"{PATH}/{request['rights_request_id']}")).status_code == 404
    body = {"person_id": resident.person_id, "kind": "explanation", "requester": "self"}
    assert (await other.post(PATH, body)).status_code == 404
    assert (await act(resident, request, "withdraw"))["status"] == "withdrawn"


async def test_overdue_requests_are_listed_and_told_once(office: Office, resident: Resident) -> None:
    await resident.register_person()
    received_on = office.today
    request = await received(resident, "explanation")
    jobs = [replace(job, name=f"{job.name} {resident.person_id}") for job in JOBS if job.name == "tell-of-overdue-requests"]
    replicas = [Scheduler(office.service.runtime, jobs) for _ in range(2)]
    due_on = date.fromisoformat(request["due_on"])
    assert due_on == received_on + timedelta(days=30)
    for day in (due_on, due_on + timedelta(days=3), due_on + timedelta(days=4)):
        with office.on(day):
            for replica in replicas:
                assert await replica.run_due() == []
            path = f"{PATH}?overdue=true&person_id={resident.person_id}"
            listed = expect(await resident.caller.get(path), 200)["items"]
            assert [item["rights_request_id"] for item in listed] == ([] if day == due_on else [request["rights_request_id"]])
    told = expect(await resident.caller.get(f"/v1/notices?person_id={resident.person_id}"), 200)["items"]
    assert [(item["template"], item["requested_on"]) for item in told] == [
        ("rights_request_overdue", (due_on + timedelta(days=3)).isoformat())
    ]
